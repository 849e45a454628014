"""The left column: the photo, the budget, the numbers, and what is under "More"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from app import content
from app.components import BudgetSlider, PhotoInput, RawChoice
from app.session import Session, Settings
from app.views import markup
from app.views.terms import with_terms
from app.wish import BUDGET_STEP, SIZES
from app.words import guide


@dataclass(frozen=True)
class Controls:
    """The components that the visitor acts on."""

    photo: Any
    examples: gr.Dataset
    budget: Any
    policy: Any
    execution: Any
    size: Any
    labels: Any

    @property
    def wish(self) -> list[Any]:
        """In the order of the fields of `app.wish.Wish`."""
        return [self.budget, self.policy, self.execution, self.size, self.labels]


def build_photo(examples: Sequence[Path]) -> tuple[Any, gr.Dataset]:
    """The photo and the examples below it."""
    photo = PhotoInput(
        label=content.PHOTO,
        show_label=True,
        sources=["upload", "webcam", "clipboard"],
        format="jpeg",
        height=280,
        placeholder=content.PHOTO_PLACEHOLDER,
        alt_text=content.PHOTO_ALT,
        buttons=["fullscreen"],
        elem_id="photo",
    )
    gallery = gr.Dataset(
        components=[gr.Image(render=False)],
        samples=[[str(path)] for path in examples],
        type="index",
        label=content.EXAMPLES,
        samples_per_page=12,
        elem_id="examples",
        visible=bool(examples),
    )
    return photo, gallery


def build_budget(floor: float, value: float) -> Any:
    """The slider, from the network's floor to everything."""
    return BudgetSlider(
        minimum=floor,
        maximum=1.0,
        value=value,
        step=BUDGET_STEP,
        label=content.BUDGET,
        info=content.BUDGET_INFO,
        elem_id="budget",
        buttons=[],  # Gradio's reset moves the slider without telling anybody
    )


def build_sweep() -> tuple[Any, dict[str, gr.Button]]:
    """(the progress of the sweep with its play button, a button to save for each kind)."""
    bar = gr.HTML(
        '<div class="pag-sweep-row"><button type="button" class="pag-play" disabled>'
        f'▶ {content.PLAY}</button><div class="pag-steps" role="progressbar" '
        f'aria-label="{content.SWEEP}" aria-valuemin="0" aria-valuemax="1" aria-valuenow="0">'
        f'</div></div><p class="pag-sweep-text">{content.SCRIPT["waiting"]}</p>',
        elem_id="sweep",
        js_on_load=markup.MOUNTED,
    )
    with gr.Row(elem_id="save-sweep"):
        buttons = {
            kind: gr.Button(
                content.SAVE_SWEEP.format(kind=kind),
                size="sm",
                min_width=80,
                elem_id=f"save-{kind.lower()}",
            )
            for kind in content.SWEEP_KINDS
        }
    return bar, buttons


def build_more(label_sets: Sequence[str]) -> tuple[Any, Any, Any, Any]:
    """Policy, execution, working size and label set, folded away."""
    with gr.Accordion(content.MORE, open=False, elem_id="more"):
        size = RawChoice(
            choices=list(SIZES),
            value=Settings.size,
            label=content.SIZE,
            info=content.SIZE_INFO,
            elem_id="size",
        )
        policy = RawChoice(
            choices=list(content.POLICIES),
            value=Settings.policy,
            label=content.POLICY,
            info=content.POLICY_INFO,
            elem_id="policy",
        )
        execution = RawChoice(
            choices=list(content.EXECUTIONS),
            value=Settings.execution,
            label=content.EXECUTION,
            info=content.EXECUTION_INFO,
            elem_id="execution",
        )
        labels = RawChoice(
            choices=[(text, value) for text, value in content.LABEL_SETS if value in label_sets],
            value=Settings.labels,
            label=content.LABELS,
            info=content.LABELS_INFO,
            visible=len(label_sets) > 2,
            elem_id="labels",
        )
        # Gradio shows the lines beside its own controls as plain text.
        gr.HTML(f'<p class="pag-hint">{with_terms(guide.ASK)}</p>', js_on_load=None)
    return policy, execution, size, labels


def render_photo(session: Session) -> Any:
    """The photo as the network saw it: upright, and without what the file said of its maker."""
    return session.answer.image if session.answer else None
