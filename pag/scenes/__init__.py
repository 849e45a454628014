"""Procedural rooms and streets with exact truth for every pixel, by ray casting in numpy."""

from pag.scenes.scene import RenderedScene as RenderedScene
from pag.scenes.scene import render_scene as render_scene
