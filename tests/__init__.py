"""Tests of PAG Explorer; ``tests.records`` builds synthetic records for them."""
