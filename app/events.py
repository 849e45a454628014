"""Events around the page's answers: files that are taken away, links that bring settings."""

from __future__ import annotations

from dataclasses import astuple
from html import escape
from typing import Any

import gradio as gr

from app.actions import Desk
from app.components import refusal
from app.links import left_out, read_link
from app.questions import echo, question_of
from app.session import Session
from app.views import takeaway
from app.views.controls import Controls
from pag import PAGError

DOWNLOAD = "download"  # files that are made from answers which are there already


def wire_taking(channel: Any, session: gr.State, file: gr.DownloadButton, desk: Desk) -> None:
    """One picture, everything, or the report, as a file that the page's script asks for."""
    cache = file.GRADIO_CACHE

    def make(session: Session, question: gr.EventData) -> str:
        try:
            return takeaway.make(session, question_of(question), desk, cache)
        except PAGError as error:
            raise refusal(str(error)) from error

    made = channel.submit(
        make,
        [session],
        [file],
        api_visibility="private",
        show_progress="hidden",
        # Gradio counts the last file as under way for a moment after it has arrived, and "once"
        # would drop the next question then. The page's script asks for one at a time itself.
        trigger_mode="multiple",
        concurrency_limit=1,
        concurrency_id=DOWNLOAD,
    )
    made.success(None, [file], js=takeaway.TAKEN)
    made.failure(None, js=takeaway.FAILED)


def wire_nudge(channel: Any) -> None:
    """A question about nothing, which makes Gradio read what it left unread (`nudge.js`)."""

    def answer(question: gr.EventData) -> dict[str, Any]:
        return echo(question_of(question))

    channel.submit(
        answer,
        None,
        [channel],
        api_visibility="private",
        show_progress="hidden",
        trigger_mode="multiple",  # the last one may be among what was left
        concurrency_limit=None,
    )


def wire_link(blocks: gr.Blocks, controls: Controls, desk: Desk) -> None:
    """A link that brings settings sets the controls; its first answer comes as any other."""

    def restore(request: gr.Request) -> list[Any]:
        wish, trouble = read_link(request.query_params, desk)
        if trouble:
            gr.Warning(escape(left_out(trouble), quote=False))
        return list(astuple(wish))

    restored = blocks.load(
        restore,
        None,
        controls.wish,
        queue=False,
        api_visibility="private",
        show_progress="hidden",
    )
    restored.success(None, js=takeaway.RESTORED)
