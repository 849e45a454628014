"""The page: layout and wiring only. What happens is in `actions`, what is seen in `views`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from html import escape
from typing import Any

import gradio as gr

from app import content
from app.actions import Desk
from app.analyser import Analyser
from app.asides import change_message, pixel_message, times_message, two_message
from app.components import BudgetNumber, refusal
from app.endpoints import add_endpoints
from app.events import DOWNLOAD, wire_link, wire_nudge, wire_taking
from app.examples import find_examples
from app.frames import frame_message, scene_message, step_message
from app.leaving import wire_leaving
from app.links import left_out, read_link
from app.measuring import Learn
from app.questions import question_of
from app.session import Session
from app.sweep import STEPS
from app.views import (
    controls,
    cost,
    download,
    gates,
    markup,
    numbers,
    outputs,
    pixel,
    ponder,
    pooling,
    quality,
    steering,
    takeaway,
    terms,
    two,
)
from app.wish import Wish
from app.words import steering as steering_words
from app.words import takeaway as takeaway_words
from app.words import two as two_words
from pag import PAGError

NETWORK = "network"  # one visitor at a time computes; the others wait in line
SWEEP = "sweep"  # one step at a time, and only while nobody waits for an answer
ANIMATION = "animation"  # up to a sweep of passes; files that take no time do not wait for it
FORGET_AFTER = 3600.0
FILES_SWEPT = (600, 3600)  # every 10 minutes, temporary files older than an hour
WAITING = 64
TABS = {
    "ponder": (content.PONDER_TAB, ponder),
    "gates": (content.GATES_TAB, gates),
    "pooling": (content.POOLING_TAB, pooling),
    "cost": (content.COST_TAB, cost),
    "quality": (content.outputs.QUALITY_TAB, quality),
    "pixel": (content.PIXEL_TAB, pixel),
    "steer": (steering_words.TAB, steering),
    "two": (two_words.TAB, two),
    "take": (takeaway_words.TAB, takeaway),
}
"""Name of each tab -> its label and its view, in the order of the page."""
ASIDES = {
    "pixel": pixel_message,
    "two": two_message,
    "change": change_message,
    "times": times_message,
}
"""Channel of the page's script -> who answers what it asks; nothing of the session changes."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Page:
    """The components that the wiring joins."""

    blocks: gr.Blocks
    session: gr.State
    controls: controls.Controls
    numbers: Any
    outputs: Any
    scene: Any
    sweep: Any
    steer: Any
    asides: dict[str, Any]
    take: Any
    nudge: Any
    downloads: dict[str, gr.Button]
    file: gr.DownloadButton


def build_app(
    analyser: Analyser,
    others: Mapping[str, Callable[[], Analyser]] | None = None,
    learn: Learn | None = None,
    option: str = "",
    steps: int = STEPS,
) -> gr.Blocks:
    """The page around one `pag.Predictor`; launch it with `app.look.launch_options()`.

    Args:
        analyser: the page's own network.
        others: networks that can be set beside it, by name, and how they are loaded.
        learn: see `app.actions.Desk`.
        option: see `app.models.Models`.
        steps: how many budgets a sweep has.
    """
    desk = Desk(analyser, others, learn, option, steps)
    with gr.Blocks(
        title=content.TITLE, fill_width=True, analytics_enabled=False, delete_cache=FILES_SWEPT
    ) as blocks:
        page = _lay_out(blocks, desk)
        _wire(page, desk)
        _wire_downloads(page, desk)
        wire_nudge(page.nudge)
        wire_taking(page.take, page.session, page.file, desk)
        wire_link(blocks, page.controls, desk)
        wire_leaving(blocks, page.session)
        add_endpoints(desk, NETWORK)
    return blocks.queue(max_size=WAITING, default_concurrency_limit=4)


def _lay_out(blocks: gr.Blocks, desk: Desk) -> Page:
    session = gr.State(Session(), time_to_live=FORGET_AFTER)
    shown = find_examples()
    gr.Markdown(f"# {content.TITLE}\n{content.TAGLINE}", elem_id="masthead")
    terms.build_tour()
    with gr.Row(elem_id="workspace"):
        with gr.Column(scale=1, min_width=300, elem_id="left"):
            photo, gallery = controls.build_photo(shown)
            budget = controls.build_budget(desk.floor, desk.first_budget)
            _, savers = controls.build_sweep()
            facts = numbers.build(content.FIRST_EXAMPLE if shown else content.NOTHING_YET)
            more = controls.build_more(desk.label_sets)
            button, file = download.build()
        with gr.Column(scale=3, min_width=300, elem_id="right"):
            pictures = outputs.build()
            gr.HTML(f'<div id="readout" role="status">{content.READOUT}</div>', js_on_load=None)
            with gr.Tabs(elem_id="tabs"):
                for name, (label, view) in TABS.items():
                    with gr.Tab(label, id=name, elem_id=f"tab-{name}"):
                        view.build()
    terms.build_glossary()
    with gr.Accordion(content.CITATION_TITLE, open=False, elem_id="citation"):
        gr.Code(content.CITATION, language=None, show_label=False, interactive=False)
    gr.Markdown(content.CREDITS, elem_id="credits")
    asked = controls.Controls(photo, gallery, budget, *more)
    names = ("scene", "sweep", "steer", "take", "nudge")
    scene, sweep, steer, take, nudge = map(markup.channel, names)
    asides = {name: markup.channel(name) for name in ASIDES}
    downloads = {download.EVERYTHING: button} | savers
    return Page(
        blocks, session, asked, facts, pictures,
        scene, sweep, steer, asides, take, nudge, downloads, file,
    )  # fmt: skip


def _wire(page: Page, desk: Desk) -> None:
    """Every event that shows something.

    Only events of the `NETWORK` group write the session, one at a time, so none overwrites
    another's. A step of the sweep reads it and adds to its memory alone.
    """
    asked = page.controls
    shown = find_examples()
    show = [page.session, page.scene]
    show_photo = [asked.photo, *show]
    one_at_a_time: dict[str, Any] = {
        "concurrency_limit": 1,
        "concurrency_id": NETWORK,
        "api_visibility": "private",
    }
    # A new photo veils the pictures of the old one; the slider leaves them in sight.
    fresh = one_at_a_time | {"show_progress": "full", "show_progress_on": [page.outputs]}
    live = one_at_a_time | {"show_progress": "minimal", "show_progress_on": [page.numbers]}

    def open_photo(session: Session, source: Any, *wish: Any) -> list[Any]:
        after = _guarded(session, lambda: desk.open(session, source, Wish(*wish)))
        return [controls.render_photo(after), *_reply(session, after, desk)]

    def open_example(session: Session, index: Any, *wish: Any) -> list[Any]:
        known = isinstance(index, int) and 0 <= index < len(shown)
        return open_photo(session, shown[index] if known else None, *wish)

    def open_first(session: Session, request: gr.Request) -> list[Any]:
        wish, trouble = read_link(request.query_params, desk)
        photo, after, message = open_example(session, 0, *astuple(wish))
        message["notice"] = markup.notice(left_out(trouble)) or message["notice"]
        return [photo, after, message]

    def adjust(session: Session, *wish: Any) -> list[Any]:
        return _reply(session, _guarded(session, lambda: desk.adjust(session, Wish(*wish))), desk)

    def step(session: Session, question: gr.EventData) -> dict[str, Any]:
        return step_message(desk, session, question_of(question))

    def steer(session: Session, question: gr.EventData) -> list[Any]:
        asked_for = question_of(question)
        if session.photo and asked_for.get("photo") != session.photo.digest:
            return [gr.skip(), gr.skip()]  # another photo has come in between
        painting, budget = asked_for.get("painting"), asked_for.get("budget")
        after = _guarded(session, lambda: desk.steer(session, painting, budget))
        return _reply(session, after, desk)

    def teller(message: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        def tell(session: Session, question: gr.EventData) -> dict[str, Any]:
            return message(desk, session, question_of(question))

        return tell

    # Not `input`, which also comes when a photo is taken away, with that very photo. Nor
    # `clear`: it comes before every file that is dropped, and a bad one costs no answer.
    asked.photo.upload(open_photo, [page.session, asked.photo, *asked.wish], show_photo, **fresh)
    asked.examples.click(
        open_example, [page.session, asked.examples, *asked.wish], show_photo, **fresh
    )
    if shown:
        page.blocks.load(open_first, [page.session], show_photo, **fresh)
    for control in asked.wish:
        control.input(adjust, [page.session, *asked.wish], show, trigger_mode="always_last", **live)
    stepped = page.sweep.submit(
        step,
        [page.session],
        [page.sweep],
        concurrency_limit=1,
        concurrency_id=SWEEP,
        api_visibility="private",
        show_progress="hidden",
        trigger_mode="multiple",
    )
    stepped.failure(None, js=markup.unanswered("sweep"))
    steered = page.steer.submit(steer, [page.session], show, trigger_mode="always_last", **live)
    steered.failure(None, js=markup.unanswered("steer"))
    for name, channel in page.asides.items():
        told = channel.submit(
            teller(ASIDES[name]),
            [page.session],
            [channel],
            api_visibility="private",
            show_progress="hidden",
            trigger_mode="always_last",
        )
        told.failure(None, js=markup.unanswered(name))


def _wire_downloads(page: Page, desk: Desk) -> None:
    cache = page.file.GRADIO_CACHE
    # The browser says which budget it shows: the session may be a moment behind the slider.
    shown = BudgetNumber(visible=False)

    def maker(kind: str) -> Callable[[Session, Any], str]:
        def make(session: Session, budget: Any) -> str:
            try:
                return download.make(kind, session, budget, desk, cache)
            except PAGError as error:
                raise refusal(str(error)) from error

        return make

    for kind, button in page.downloads.items():
        made = button.click(
            maker(kind),
            [page.session, shown],
            [page.file],
            js=download.WITH_BUDGET,
            api_visibility="private",
            show_progress="full",
            show_progress_on=[button],
            concurrency_limit=1,
            concurrency_id=DOWNLOAD if kind == download.EVERYTHING else ANIMATION,
        )
        made.success(None, [page.file], js=download.HAND_OVER)


def _reply(before: Session, after: Session, desk: Desk) -> list[Any]:
    """The session, and what the browser does not have yet; a failed action changes no picture."""
    message: dict[str, Any] = {"notice": markup.notice(after.message)}
    if after.message:
        gr.Warning(escape(after.message, quote=False))
    if after.answer is not None and not after.message:
        message["known"] = True
        if after.memory.first_time(after.scene):
            message["scene"] = scene_message(after, desk.budgets, desk.models.others)
        if after.memory.first_time(after.key):
            message["frame"] = frame_message(after.answer, after, after.settings.budget)
    return [after, message]


def _guarded(session: Session, action: Callable[[], Session]) -> Session:
    """The action's result. A fault of ours is logged, and the visitor keeps what is shown."""
    try:
        return action()
    except Exception:
        logger.exception("an action failed")
        return session.told(content.UNEXPECTED)
