"""Gradio components that trust nothing: what arrives is checked by `app.actions`.

Gradio's own `preprocess` opens images, compares numbers and downloads addresses before
our code sees anything, and fails there with messages for programmers. These components
hand the raw value on instead.
"""

from __future__ import annotations

from abc import ABCMeta
from html import escape
from typing import Any

import gradio as gr

from app import content


def _raw(self: Any, payload: Any) -> Any:
    del self
    return payload


def _path(self: Any, payload: Any) -> str | None:
    # Gradio has already seen to it that the path lies among its own uploads.
    del self
    return payload.path if payload else None


async def _local_only(self: Any, url_or_file_path: Any) -> str | None:
    # The limit on uploads does not hold for addresses, so none is ever fetched.
    if str(url_or_file_path or "").lower().startswith(("http:", "https:")):
        raise gr.Error(escape(content.URL_REFUSED), print_exception=False)
    return await super(type(self), self).async_move_resource_to_block_cache(url_or_file_path)


def _variant(name: str, base: Any, **members: Any) -> Any:
    # Gradio's metaclass writes a .pyi file beside the source of every class statement, so
    # the class is made without its __new__. `is_template` selects the base's front end.
    members |= {"is_template": True, "__module__": __name__}
    return ABCMeta.__new__(type(base), name, (base,), members)


PhotoInput = _variant(
    "PhotoInput", gr.Image, preprocess=_path, async_move_resource_to_block_cache=_local_only
)
"""A `gr.Image` that gives the path of the upload, unopened, and refuses web addresses."""

BudgetSlider = _variant("BudgetSlider", gr.Slider, preprocess=_raw)
"""A `gr.Slider` that gives whatever arrived."""

BudgetNumber = _variant("BudgetNumber", gr.Number, preprocess=_raw)
"""A `gr.Number` that gives whatever arrived."""

RawChoice = _variant("RawChoice", gr.Radio, preprocess=_raw)
"""A `gr.Radio` that gives whatever arrived."""
