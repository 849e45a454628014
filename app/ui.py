"""The page: layout and wiring only. What happens is in `actions`, what is seen in `views`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from app import content
from app.actions import Analyser, Desk, Wish
from app.components import refusal
from app.endpoints import add_analyze
from app.examples import find_examples
from app.session import Session
from app.views import controls, cost, download, gates, numbers, outputs, ponder, pooling
from pag import PAGError

NETWORK = "network"  # one visitor at a time computes; the others wait in line
FORGET_AFTER = 3600.0
FILES_SWEPT = (600, 3600)  # every 10 minutes, temporary files older than an hour
WAITING = 64
TABS = {
    "ponder": (content.PONDER_TAB, ponder),
    "gates": (content.GATES_TAB, gates),
    "pooling": (content.POOLING_TAB, pooling),
    "cost": (content.COST_TAB, cost),
}
"""Name of each tab -> its label and its view, in the order of the page."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Page:
    """The components that the wiring joins."""

    blocks: gr.Blocks
    session: gr.State
    open_tab: gr.State
    controls: controls.Controls
    numbers: list[Any]
    outputs: list[Any]
    tabs: dict[str, gr.Tab]
    panels: dict[str, list[Any]]
    download: gr.Button
    zip_file: gr.DownloadButton


def build_app(analyser: Analyser) -> gr.Blocks:
    """The page around one `pag.Predictor`; launch it with `app.look.launch_options()`."""
    desk = Desk(analyser)
    with gr.Blocks(
        title=content.TITLE, fill_width=True, analytics_enabled=False, delete_cache=FILES_SWEPT
    ) as blocks:
        page = _lay_out(blocks, desk)
        _wire(page, desk)
        add_analyze(desk, NETWORK)
    return blocks.queue(max_size=WAITING, default_concurrency_limit=4)


def _lay_out(blocks: gr.Blocks, desk: Desk) -> Page:
    session = gr.State(Session(), time_to_live=FORGET_AFTER)
    open_tab = gr.State(next(iter(TABS)))
    shown = find_examples()
    gr.Markdown(f"# {content.TITLE}\n{content.TAGLINE}", elem_id="masthead")
    with gr.Row(elem_id="workspace"):
        with gr.Column(scale=1, min_width=300, elem_id="left"):
            photo, gallery = controls.build_photo(shown)
            budget = controls.build_budget(desk.floor, desk.first_budget)
            facts = numbers.build(content.FIRST_EXAMPLE if shown else content.NOTHING_YET)
            more = controls.build_more(desk.label_sets)
            button, zip_file = download.build()
        with gr.Column(scale=3, min_width=300, elem_id="right"):
            pictures = outputs.build()
            tabs: dict[str, gr.Tab] = {}
            panels: dict[str, list[Any]] = {}
            with gr.Tabs(elem_id="tabs"):
                for name, (label, view) in TABS.items():
                    with gr.Tab(label, id=name, elem_id=f"tab-{name}") as tabs[name]:
                        panels[name] = view.build()
    with gr.Accordion(content.CITATION_TITLE, open=False, elem_id="citation"):
        gr.Code(content.CITATION, language=None, show_label=False, interactive=False)
    gr.Markdown(content.CREDITS, elem_id="credits")
    asked = controls.Controls(photo, gallery, budget, *more)
    return Page(blocks, session, open_tab, asked, facts, pictures, tabs, panels, button, zip_file)


def _wire(page: Page, desk: Desk) -> None:
    """Every event: it computes and shows the outputs, then what is in the open tab.

    Only events of the `NETWORK` group write the session, one at a time, so none overwrites
    another's. The tabs are drawn by a second event that reads the session afresh, and only
    the open one, because drawing all takes longer than a small network.
    """
    asked = page.controls
    shown = find_examples()
    show = [page.session, *page.numbers, *page.outputs]
    show_photo = [asked.photo, *show]
    one_at_a_time: dict[str, Any] = {
        "concurrency_limit": 1,
        "concurrency_id": NETWORK,
        "api_visibility": "private",
    }
    # A new photo veils the pictures of the old one; the slider leaves them in sight.
    pictures = [picture for picture in page.outputs if isinstance(picture, gr.Image)]
    fresh = one_at_a_time | {"show_progress": "full", "show_progress_on": pictures}
    live = one_at_a_time | {"show_progress": "minimal", "show_progress_on": page.numbers}

    def open_photo(session: Session, source: Any, *wish: Any) -> list[Any]:
        after = _guarded(session, lambda: desk.open(session, source, Wish(*wish)))
        return [controls.render_photo(after), *_reply(session, after)]

    def open_example(session: Session, index: Any, *wish: Any) -> list[Any]:
        known = isinstance(index, int) and 0 <= index < len(shown)
        return open_photo(session, shown[index] if known else None, *wish)

    def open_first(session: Session, *wish: Any) -> list[Any]:
        return open_example(session, 0, *wish)

    def adjust(session: Session, *wish: Any) -> list[Any]:
        return _reply(session, _guarded(session, lambda: desk.adjust(session, Wish(*wish))))

    def draw_open_tab(session: Session, name: str) -> list[Any]:
        return [
            update
            for tab, (_, view) in TABS.items()
            for update in (view.render(session) if tab == name else _skip(page.panels[tab]))
        ]

    events = [
        # Not `input`, which also comes when a photo is taken away, with that very photo. Nor
        # `clear`: it comes before every file that is dropped, and a bad one costs no answer.
        asked.photo.upload(
            open_photo, [page.session, asked.photo, *asked.wish], show_photo, **fresh
        ),
        asked.examples.click(
            open_example, [page.session, asked.examples, *asked.wish], show_photo, **fresh
        ),
    ]
    if shown:
        events.append(
            page.blocks.load(open_first, [page.session, *asked.wish], show_photo, **fresh)
        )
    events += [
        control.input(adjust, [page.session, *asked.wish], show, trigger_mode="always_last", **live)
        for control in asked.wish
    ]
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    everything = [component for panel in page.panels.values() for component in panel]
    for event in events:
        event.then(draw_open_tab, [page.session, page.open_tab], everything, **quiet)
    for name, tab in page.tabs.items():
        tab.select(_drawer(name), [page.session], [page.open_tab, *page.panels[name]], **quiet)
    _wire_download(page)


def _wire_download(page: Page) -> None:
    cache = page.zip_file.GRADIO_CACHE

    def pack(session: Session) -> str:
        try:
            return download.make_zip(session, cache)
        except PAGError as error:
            raise refusal(str(error)) from error

    packed = page.download.click(
        pack, [page.session], [page.zip_file], api_visibility="private", show_progress="minimal"
    )
    packed.success(None, js=download.PRESS)


def _drawer(name: str) -> Callable[[Session], list[Any]]:
    return lambda session: [name, *TABS[name][1].render(session)]


def _reply(before: Session, after: Session) -> list[Any]:
    """Updates for the session, the numbers and the outputs; a failed action changes no picture."""
    if after.message:
        gr.Warning(escape(after.message, quote=False))
    pictures = outputs.render(after)
    if after.answer is before.answer:
        pictures = _skip(pictures)
    return [after, *numbers.render(after), *pictures]


def _guarded(session: Session, action: Callable[[], Session]) -> Session:
    """The action's result. A fault of ours is logged, and the visitor keeps what is shown."""
    try:
        return action()
    except Exception:
        logger.exception("an action failed")
        return session.told(content.UNEXPECTED)


def _skip(components: list[Any]) -> list[Any]:
    return [gr.skip() for _ in components]
