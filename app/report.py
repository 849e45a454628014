"""A report on one answer: one HTML file that needs no network, made from records alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from PIL import Image

from app import content
from app.comparison import compare_summary
from app.figures import dilations, outputs, ponder
from app.figures.costs import ungated_macs
from app.figures.files import coloured
from app.figures.raster import data_uri
from app.palette import EXECUTED_BAR
from app.session import Settings
from app.views import markup
from app.views.outputs import CARDS, legend
from app.views.terms import glossary
from app.words import steering as steering_words
from app.words import takeaway as words
from pag import Inference

STYLE = Path(__file__).with_name("report.css")


def html_report(
    answer: Inference,
    settings: Settings,
    others: Sequence[Inference] = (),
    first: Inference | None = None,
    *,
    forgotten: int = 0,
    option: str = "",
) -> str:
    """The whole file; the same for the same records.

    Args:
        answer: what the report is about.
        settings: that it was asked for with, be it at another budget.
        others: the same photo at other budgets, rising; `answer` may be among them.
        first: the scene's first answer, whose span of depth the colours follow.
        forgotten: how many budgets the page shows that are not among `others` any more.
        option: what chooses the network on a command line; see `app.models.model_option`.
    """
    sections = (
        _section(words.SETTINGS, _settings(answer, settings)),
        _section(words.PHOTO_TITLE, _photo(answer)),
        _section(words.OUTPUTS, _outputs(answer, first)),
        _section(words.COMPUTE, _compute(answer)),
        _section(content.GATES_TAB, _gates(answer)),
        _section(words.LAYERS, _layers(answer)),
        _section(words.BUDGETS, _budgets(others, forgotten)) if len(others) > 1 else "",
        _section(words.READING, glossary()),
        _section(words.COMMAND, _command(answer, settings, option)),
        _section(words.CITE, f"<pre>{escape(content.CITATION)}</pre>"),
    )
    lead = words.REPORT_LEAD.format(
        budget=answer.budget_requested,
        achieved=answer.budget_achieved,
        executed=answer.macs_executed / 1e9,
        dense=answer.macs_dense / 1e9,
        time=content.milliseconds(answer.seconds["network"]),
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{content.TITLE}: {words.REPORT_TITLE}</title>\n"
        f"<style>\n{STYLE.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n"
        f"<header><p>{content.TITLE}</p><h1>{words.REPORT_TITLE}</h1><p>{lead}</p></header>\n"
        f"<main>\n{''.join(sections)}</main>\n<footer><p>{words.MADE}</p></footer>\n"
        "</body>\n</html>\n"
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>\n{body}\n</section>\n"


def _settings(answer: Inference, settings: Settings) -> str:
    height, width = answer.image_size
    seen_height, seen_width = answer.network_size
    rows = (
        (content.REQUESTED, f"{answer.budget_requested:.2f}"),
        (content.ACHIEVED, f"{answer.budget_achieved:.3f}"),
        (words.FLOOR, f"{answer.budget_floor:.3f}"),
        (words.POLICY, answer.policy),
        (words.EXECUTION, answer.execution),
        (
            words.SIZE,
            words.SIZE_VALUE.format(size=settings.size, width=seen_width, height=seen_height),
        ),
        (words.LABELS, dict((v, k) for k, v in content.LABEL_SETS)[settings.labels]),
        *(
            [(words.STEERED, words.STEERED_VALUE.format(share=markup.percent(answer.steered)))]
            if answer.steered
            else []
        ),
        (words.PHOTO, words.PHOTO_VALUE.format(width=width, height=height)),
        (
            content.COMPUTE,
            content.COMPUTE_VALUE.format(
                executed=answer.macs_executed / 1e9, dense=answer.macs_dense / 1e9
            ),
        ),
        *(
            (f"{content.TIME}, {part}", content.milliseconds(t))
            for part, t in answer.seconds.items()
        ),
        (words.DEVICE, answer.device),
        (words.CHECKPOINT, answer.checkpoint),
    )
    return markup.facts(rows)


def _photo(answer: Inference) -> str:
    source = data_uri(Image.fromarray(answer.image), "JPEG", 88)
    return f'<div class="photo">{_figure(source, words.PHOTO_ALT, words.PHOTO_HINT)}</div>'


def _outputs(answer: Inference, first: Inference | None) -> str:
    figures = []
    for task, title, _, hint, alt in CARDS:
        if task not in answer.tasks:
            continue
        if task == "segmentation":
            picture = outputs.segmentation_overlay(answer)
        else:
            picture = coloured(answer, task, first)
        legend_of = legend(task, answer, first or answer)
        figures.append(_figure(data_uri(picture), alt, hint, title, legend_of))
    return f'<div class="grid">{"".join(figures)}</div>'


def _compute(answer: Inference) -> str:
    hint = words.PONDER_HINT.format(gates=len(answer.gates), mean=ponder.mean_ponder(answer))
    bars = markup.share_bars(ponder.ponder_histogram(answer), title=content.PONDER_BARS)
    fields = markup.share_bars(dilations.dilation_legend(answer), title=content.POOLING_BARS)
    return (
        '<div class="grid">'
        + _figure(data_uri(coloured(answer, "ponder")), words.PONDER_ALT, hint, words.PONDER, bars)
        + _figure(
            data_uri(coloured(answer, "dilation")),
            words.DILATION_ALT,
            words.DILATION_HINT,
            words.DILATION,
            fields,
        )
        + "</div>"
    )


def _gates(answer: Inference) -> str:
    return _figure(data_uri(coloured(answer, "gates")), words.GATES_ALT, words.GATES_HINT)


def _layers(answer: Inference) -> str:
    rows = []
    for gate in answer.gates:
        share = gate.macs_executed / gate.macs_dense if gate.macs_dense else 0.0
        rows.append(
            (
                escape(gate.name), str(gate.stride), f"{gate.active_fraction:.1%}",
                f"{gate.macs_executed / 1e6:.1f}", f"{gate.macs_dense / 1e6:.1f}", _bar(share),
            )
        )  # fmt: skip
    # With the policy scaled these cost less as well: the network saw a smaller picture.
    rest = ungated_macs(answer)
    whole = answer.macs_dense - sum(gate.macs_dense for gate in answer.gates)
    rows.append(
        (
            words.LAYERS_REST, words.NOTHING, words.NOTHING,
            f"{rest / 1e6:.1f}", f"{whole / 1e6:.1f}", _bar(rest / whole),
        )
    )  # fmt: skip
    return _table(words.LAYERS_HEAD, rows)


def _bar(share: float) -> str:
    return (
        f'<span class="pag-track"><span class="pag-fill" style="width:{100 * share:.1f}%;'
        f'background:{EXECUTED_BAR}"></span></span> {share:.0%}'
    )


def _budgets(others: Sequence[Inference], forgotten: int) -> str:
    full = others[-1]
    rows = []
    for other in others:
        alike = compare_summary(other, full)["agreement"]
        cells = {
            "segmentation": "{:.1%}".format, "depth": "{:.1%}".format,
            "normals": lambda value: words.DEGREES.format(value=value),
        }  # fmt: skip
        agreement = [
            show(alike[task]) if task in alike else words.NOTHING for task, show in cells.items()
        ]
        rows.append(
            (
                f"{other.budget_requested:.2f}", f"{other.budget_achieved:.3f}",
                f"{other.macs_executed / 1e9:.2f}", f"{other.seconds['network'] * 1e3:.0f}",
                *agreement,
            )
        )  # fmt: skip
    hint = words.BUDGETS_HINT.format(full=full.budget_requested) + content.left_out(forgotten)
    return f"<p>{hint}</p>{_table(words.BUDGETS_HEAD, rows)}"


def _command(answer: Inference, settings: Settings, option: str) -> str:
    parts = (
        f"python -m pag.predict photo.jpg --out results --budget {answer.budget_requested:.2f}",
        f"--policy {settings.policy} --execution {settings.execution}",
        f"--labels {settings.labels} --size {settings.size}",
        f"--steer {steering_words.MAP_FILE}" if answer.steered else "",
        option,
    )
    hint = f"<p>{steering_words.MAP_HINT}</p>" if answer.steered else ""
    return f"<pre>{escape(' '.join(filter(None, parts)))}</pre>{hint}"


def _figure(source: str, alt: str, hint: str, title: str = "", legend: str = "") -> str:
    head = f"<h3>{escape(title)}</h3>" if title else ""
    return (
        f'<figure>{head}<img src="{source}" alt="{escape(alt)}">'
        f"<figcaption>{escape(hint)}{legend}</figcaption></figure>"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are HTML."""
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
