"""Tests that drive a real browser. A package, so that they share one browser and one server."""
