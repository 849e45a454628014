"""Gradio components that trust nothing: what arrives is checked by `app.wish` and `app.photos`.

Gradio's own `preprocess` opens images, compares numbers and downloads addresses before
our code sees anything, and fails there with messages for programmers. These components
hand the raw value on instead. The other way, `Channel` sees to it that every message arrives.
"""

from __future__ import annotations

from abc import ABCMeta
from html import escape
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import gradio as gr
from gradio.data_classes import ImageData
from gradio.route_utils import API_PREFIX
from gradio.utils import get_upload_folder, is_in_or_equal
from gradio_client.utils import is_file_obj_with_meta
from pydantic import ValidationError

from app import content


def refusal(message: str) -> gr.Error:
    """An error that is shown to the visitor as it is, and that is no fault of the program."""
    # The page renders it as HTML, so nothing that a visitor sent may come through as markup.
    return gr.Error(escape(message, quote=False), print_exception=False)


class _UploadedFile(ImageData):
    """An uploaded file; whatever else arrives is refused in words for a person."""

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Any:
        # Gradio looks whether a path is an upload only where the mark of a file is present,
        # and accepts an image without it: any file of this machine could be named.
        if not is_file_obj_with_meta(obj):
            raise refusal(content.FILE_EXPECTED)
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            raise refusal(content.FILE_EXPECTED) from error


EXAMPLE_FILE = "photo.jpg"


def _raw(self: Any, payload: Any) -> Any:
    del self
    return payload


def _path(self: Any, payload: Any) -> str | None:
    # Gradio has already seen to it that the path lies among its own uploads.
    del self
    return payload.path if payload else None


async def _local_only(self: Any, url_or_file_path: Any) -> str | None:
    # The limit on uploads does not hold for addresses, so none is ever fetched.
    given = url_or_file_path
    if str(given or "").lower().startswith(("http:", "https:")):
        given = uploaded_file(str(given))
        if given is None:
            raise refusal(content.URL_REFUSED)
    return await gr.Image.async_move_resource_to_block_cache(self, given)


def uploaded_file(address: str) -> str | None:
    """The file among this server's uploads that an address stands for; None without one.

    Tools for language models hand an upload on by its address. Whose address it is does not
    matter: nothing is fetched, and whoever knows the path of an upload may name it anyway.
    """
    _, found, path = urlsplit(address).path.partition(f"{API_PREFIX}/file=")
    path = unquote(path)
    ours = bool(found) and is_in_or_equal(path, get_upload_folder())
    return path if ours and Path(path).is_file() else None


def _variant(name: str, base: Any, **members: Any) -> Any:
    # Gradio's metaclass writes a .pyi file beside the source of every class statement, so
    # the class is made without its __new__. `is_template` selects the base's front end.
    members |= {"is_template": True, "__module__": __name__}
    return ABCMeta.__new__(type(base), name, (base,), members)


PhotoInput = _variant(
    "PhotoInput",
    gr.Image,
    data_model=_UploadedFile,
    preprocess=_path,
    async_move_resource_to_block_cache=_local_only,
    # What the page on the API shows: Gradio's own examples are web addresses.
    example_payload=lambda self: {"path": EXAMPLE_FILE, "meta": {"_type": "gradio.FileData"}},
    example_value=lambda self: EXAMPLE_FILE,
)
"""A `gr.Image` that gives the path of the upload, unopened, and refuses web addresses."""

BudgetSlider = _variant("BudgetSlider", gr.Slider, preprocess=_raw)
"""A `gr.Slider` that gives whatever arrived."""

BudgetNumber = _variant("BudgetNumber", gr.Number, preprocess=_raw)
"""A `gr.Number` that gives whatever arrived."""

RawChoice = _variant("RawChoice", gr.Radio, preprocess=_raw)
"""A `gr.Radio` that gives whatever arrived."""

_serials = count()


def _numbered(self: Any, message: dict[str, Any] | None) -> dict[str, Any] | None:
    # Gradio's page passes on only what has changed: of two equal messages in a row the second
    # would never arrive.
    del self
    return message if message is None else message | {"serial": next(_serials)}


Channel = _variant("Channel", gr.HTML, postprocess=_numbered)
"""A `gr.HTML` whose values are messages to the page's script, each of which arrives."""
