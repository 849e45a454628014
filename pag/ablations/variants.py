"""The variants, each one change to the reference, and the short schedule that they share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pag.config import LABEL_SETS, PAGConfig, TrainConfig
from pag.errors import InputError

REFERENCE = "reference"
SINGLE = "dilation_"
"""How the names of the networks with one dilation begin."""


@dataclass(frozen=True)
class Variant:
    """One run.

    Attributes:
        name: also of its folder.
        change: what is different from the reference, for a reader.
        train: settings of `TrainConfig` that differ.
        network: settings of `PAGConfig` that differ.
    """

    name: str
    change: str
    train: Mapping[str, Any] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)


VARIANTS = (
    Variant(REFERENCE, "as the shipped checkpoint is trained, but shorter"),
    Variant("other_seed", "the reference with other random numbers: the noise", {"seed": 1}),
    Variant("no_distillation", "the full budget does not teach", {"weight_distillation": 0.0}),
    Variant(
        "temperature_0.3",
        "temperature 0.3 throughout, for 1 falling to 0.5",
        {"temperature": 0.3, "final_temperature": 0.3},
    ),
    Variant(
        "temperature_2",
        "temperature 2 throughout, for 1 falling to 0.5",
        {"temperature": 2.0, "final_temperature": 2.0},
    ),
    Variant(
        "lowest_budget",
        "each step sees the full and the lowest budget, for a uniform one",
        {"lowest_share": 1.0},
    ),
    Variant(
        "fixed_budget",
        "each step sees the full budget and 0.6, for a uniform one",
        {"budget_range": (0.6, 0.6)},
    ),
    Variant(
        "sampled_masks",
        "masks drawn with the published Gumbel noise, for ranked ones",
        {"masks": "sampled", "noise_cell": 1},
    ),
    Variant(
        "informed_fields",
        "MultiPool's choices must tell something about the pixel",
        {"weight_fields": 0.3, "field_information": 0.8},
    ),
    Variant("no_smoothing", "gates decide on unsmoothed logits", {}, {"gate_smoothing": 0}),
    Variant(
        "no_scenes",
        "photographs alone, without rendered scenes",
        {"mixture": (*TrainConfig().mixture[:3], 0.0)},
    ),
    *(
        Variant(
            f"{SINGLE}{d}",
            f"a plain 3x3 of dilation {d}, for MultiPool",
            {},
            {"dilations": (d,)},
        )
        for d in (1, 2, 4, 8)
    ),
)
"""In the order in which they run: what the others are compared with comes first."""


@dataclass(frozen=True)
class Schedule:
    """What all runs share.

    Attributes:
        steps: of each.
        batch: images a step; half as many photographs, each at full and at a drawn budget.
        crop: side of the square crops, pixels.
    """

    steps: int = 250
    batch: int = 4
    crop: int = 192

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 2 or self.crop < 32:
            raise InputError(
                f"steps are {self.steps}, batch {self.batch}, crop {self.crop}; "
                "expected at least 1, 2 and 32"
            )

    def train_config(self, variant: Variant) -> TrainConfig:
        """The training run of a variant: the long run's, squeezed."""
        reference = TrainConfig(
            steps=self.steps,
            batch=self.batch,
            crop=self.crop,
            open_steps=0,
            warmup_steps=self.steps // 12,
            ramp_steps=self.steps // 5,
            decay_steps=self.steps * 2 // 5,
            norm_steps=self.steps * 3 // 5,
        )
        return replace(reference, **variant.train)


def reference_network(start: PAGConfig) -> PAGConfig:
    """The network that all variants change: the start's backbone, strides and widths."""
    usual = PAGConfig()
    return replace(
        start,
        gate_smoothing=usual.gate_smoothing,
        dilations=usual.dilations,
        classes=LABEL_SETS["all"],
    )


def network_config(reference: PAGConfig, variant: Variant) -> PAGConfig:
    """The network of a variant."""
    return replace(reference, **variant.network)


def find_variants(names: list[str] | None) -> list[Variant]:
    """The variants of these names in the order of `VARIANTS`; all for None.

    Raises:
        InputError: there is none of such a name.
    """
    known = [variant.name for variant in VARIANTS]
    if unknown := sorted(set(names or ()) - set(known)):
        raise InputError(f"no variant {', '.join(unknown)}; expected some of {', '.join(known)}")
    return [variant for variant in VARIANTS if names is None or variant.name in names]
