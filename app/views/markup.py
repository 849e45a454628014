"""Small pieces of HTML: headings, legends, colour bars. All text is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from app.components import Channel
from app.content import LARGE, SAVE
from app.figures.raster import LegendItem
from app.palette import css

MOUNTED = "window.pagExplorer.mounted(element)"
"""For `js_on_load`: Gradio makes the panels of a tab when it is first opened."""


def heading(title: str, task: str, hint: str) -> str:
    """The head of a card: a question, the task's name in the field's words, and one line."""
    return (
        f'<h3 class="pag-title"><span class="pag-task">{escape(task)}</span> {escape(title)}</h3>'
        f'<p class="pag-hint">{escape(hint)}</p>'
    )


def legend(items: Iterable[LegendItem], empty: str = "") -> str:
    """Colour, name and share of each item, the way a reader looks for them."""
    entries = "".join(
        f'<li><span class="pag-swatch" style="background:{css(item.colour)}"></span>'
        f'<span class="pag-name">{escape(item.name)}</span>'
        f'<span class="pag-share">{percent(item.share)}</span></li>'
        for item in items
    )
    return f'<ul class="pag-legend">{entries}</ul>' if entries else note(empty)


def share_bars(items: Sequence[LegendItem], *, title: str = "", compact: bool = False) -> str:
    """A legend whose shares are also drawn as bars."""
    longest = max((item.share for item in items), default=0.0) or 1.0
    rows = "".join(
        f'<li><span class="pag-swatch" style="background:{css(item.colour)}"></span>'
        f'<span class="pag-name">{escape(item.name)}</span>'
        f'<span class="pag-track"><span class="pag-fill" style="width:'
        f'{100 * item.share / longest:.1f}%;background:{css(item.colour)}"></span></span>'
        f'<span class="pag-share">{percent(item.share)}</span></li>'
        for item in items
    )
    head = f'<p class="pag-subtitle">{escape(title)}</p>' if title else ""
    return f'{head}<ul class="pag-bars{" pag-compact" if compact else ""}">{rows}</ul>'


def colour_bar(gradient: str, ticks: Sequence[str]) -> str:
    """A gradient with its values written below, from left to right."""
    marks = "".join(f"<span>{escape(tick)}</span>" for tick in ticks)
    return (
        f'<div class="pag-bar" style="background:{escape(gradient)}"></div>'
        f'<div class="pag-ticks">{marks}</div>'
    )


def facts(rows: Iterable[tuple[str, str]], main: int = 0) -> str:
    """Terms and values; the first `main` of them large."""
    entries = "".join(
        f'<div class="{"pag-fact pag-main" if i < main else "pag-fact"}">'
        f"<dt>{escape(term)}</dt><dd>{escape(value)}</dd></div>"
        for i, (term, value) in enumerate(rows)
    )
    return f'<dl class="pag-facts">{entries}</dl>'


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A small table, the first column in words and the others in figures."""
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f'<table class="pag-table"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    )


def picture(source: str, alt: str, text: str) -> str:
    """A small picture with words beside it."""
    return (
        f'<div class="pag-key"><img src="{escape(source)}" alt="{escape(alt)}">'
        f"<span>{escape(text)}</span></div>"
    )


def view(
    slot: str,
    title: str,
    alt: str,
    *,
    over_photo: bool = False,
    coverage: tuple[float, float] = (1.0, 1.0),
    cell: tuple[float, float] = (0.0, 0.0),
) -> str:
    """A picture that takes part in the linked outline, and can be seen large and saved.

    Args:
        slot: of the picture.
        title: what is written above the large view.
        alt: alternative text.
        over_photo: the picture is laid over the photo in grey.
        coverage: (height, width) of the picture in photo sizes; what lies outside is cut off.
        cell: (height, width) of one of its own pixels in photo sizes; 0: too small to outline.
    """
    photo = '<img class="pag-photo" data-slot="photo" alt="">' if over_photo else ""
    size = f"height:{100 * coverage[0]:.3f}%;width:{100 * coverage[1]:.3f}%"
    buttons = "".join(
        f'<button type="button" class="pag-{action}" title="{escape(label)}" '
        f'aria-label="{escape(label)}: {escape(title)}">{icon}</button>'
        for action, label, icon in (("enlarge", LARGE, "⤢"), ("save", SAVE, "↓"))
    )
    return (
        f'<figure class="pag-view" data-title="{escape(title)}" data-name="{escape(slot)}">'
        f'<div class="pag-stack" tabindex="0" data-cell="{cell[0]:.6f} {cell[1]:.6f}" '
        f'role="group" aria-label="{escape(title)}">{photo}'
        f'<img class="pag-picture" data-slot="{escape(slot)}" alt="{escape(alt)}" '
        f'style="{size}"><span class="pag-pin" aria-hidden="true" hidden></span></div>'
        f'<div class="pag-tools">{buttons}</div></figure>'
    )


def channel(name: str) -> Any:
    """A component that is not seen: messages to the page's script, and its questions back."""
    return Channel(
        None,
        html_template="",
        js_on_load=f"window.pagExplorer.connect({name!r}, props, watch, trigger)",
        visible="hidden",
        elem_id=f"channel-{name}",
    )


def unanswered(name: str) -> str:
    """Run by the page where a question through a channel was not answered at all."""
    return f"() => {{ window.pagExplorer.unanswered({name!r}); }}"


def note(text: str) -> str:
    """One quiet line."""
    return f'<p class="pag-hint">{escape(text)}</p>' if text else ""


def notice(text: str) -> str:
    """One line that asks for attention; nothing for an empty text."""
    return f'<p class="pag-notice" role="alert">{escape(text)}</p>' if text else ""


def percent(share: float) -> str:
    """A share for reading: 63%, 4.2%, <0.1%, 0%."""
    if share < 0.001:
        return "<0.1%" if share > 0 else "0%"
    return f"{share:.0%}" if share >= 0.0995 else f"{share:.1%}"
