"""Frozen settings of a network and of a training run, and their JSON form."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Self

from pag.errors import InputError

STREET_CLASSES = (
    "sky", "building", "pole", "road", "pavement", "tree",
    "sign", "fence", "car", "pedestrian", "bicyclist",
)  # fmt: skip
"""The 11 classes of CamVid in the SegNet split, index = id."""

INDOOR_CLASSES = (
    "ceiling", "floor", "wall", "window", "door", "table",
    "chair", "sofa", "bookcase", "lamp", "clutter",
)  # fmt: skip
"""The 11 indoor classes."""

LABEL_SETS = {
    "street": STREET_CLASSES,
    "indoor": INDOOR_CLASSES,
    "all": STREET_CLASSES + INDOOR_CLASSES,
}
"""What `labels` may be at inference: segmentation chooses among these classes."""

TRAINED_SIDE = 480
"""Longer side, in pixels, of the photographs as training sees them before its random zoom."""

ZOOM = (0.7, 1.5)
"""Smallest and largest random zoom of a training that says nothing else."""

BACKBONES = ("resnet50", "mobilenetv2")
GATE_SCOPES = ("block", "conv")
OUTPUT_STRIDES = (8, 16)
SEPARABLE = ("middle", "fine", "segmentation", "boundary", "depth", "normals")
TRAINING_MASKS = ("ranked", "sampled")


@dataclass(frozen=True)
class _Kind:
    """What a setting may be.

    Attributes:
        words: that say it.
        of: types of the value, or of each one in a list.
        several: whether it is a list.
    """

    words: str
    of: tuple[type, ...]
    several: bool = False

    def takes(self, value: object) -> bool:
        """Whether a value is of that kind; NaN is no number."""
        if self.several:
            return isinstance(value, list | tuple) and all(map(self._takes_one, value))
        return self._takes_one(value)

    def _takes_one(self, value: object) -> bool:
        if isinstance(value, bool):  # which Python counts among the whole numbers
            return bool in self.of
        return isinstance(value, self.of) and not (isinstance(value, float) and value != value)


def _kind(default: object) -> _Kind:
    """What a setting with this default may be."""
    if isinstance(default, tuple):
        one = _kind(default[0] if default else "")
        return _Kind(f"a list, each {one.words}", one.of, several=True)
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    kind = type(default)
    return _Kind(words[kind], (int, float) if kind is float else (kind,))


class JsonConfig:
    """JSON both ways for a frozen dataclass; unknown keys are errors, missing ones defaults."""

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"  # type: ignore[call-overload]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
        if not isinstance(values, dict):
            raise InputError(f"{cls.__name__}: got {values!r}; expected an object of settings")
        if unknown := sorted(set(values) - set(fields)):
            raise InputError(f"{cls.__name__}: unknown setting(s) {', '.join(unknown)}")
        for name, value in values.items():
            kind = _kind(fields[name].default)
            if not kind.takes(value):
                raise InputError(f"{name} is {value!r}; expected {kind.words}")
        tupled = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**tupled)

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls.from_dict(json.loads(text))


@dataclass(frozen=True)
class PAGConfig(JsonConfig):
    """Architecture of a `PAGNet`.

    Attributes:
        backbone: ``resnet50`` or ``mobilenetv2``; see `pag.backbones`.
        output_stride: input pixels per pixel of the last stage, 8 or 16.
        gate_scope: what a closed gate skips. ``conv`` is the published form: the 3x3
            convolution alone. ``block`` skips the whole residual branch.
        gate_smoothing: how often each gate's logits are averaged over 3x3 pixels before
            deciding, which makes masks compact.
        dilations: pooling fields offered by MultiPool; 0 is a 1x1 path.
        classes: segmentation class names, index = id.
        decoder_channels: width of the decoder at stride 8 and at stride 4.
        head_channels: width inside each task head.
        separable: which 3x3 convolutions behind the backbone are depthwise separable, a seventh
            of the multiply-adds: those of the decoder at stride 8 (``middle``) and 4 (``fine``),
            those of the heads by the name of their task.
        guided: whether depth and normals are upsampled to stride 2 along the boundaries found
            (`pag.upsampling`).
    """

    backbone: str = "resnet50"
    output_stride: int = 8
    gate_scope: str = "block"
    gate_smoothing: int = 2
    dilations: tuple[int, ...] = (0, 1, 2, 4, 6, 8, 10)
    classes: tuple[str, ...] = LABEL_SETS["all"]
    decoder_channels: tuple[int, int] = (128, 64)
    head_channels: int = 48
    separable: tuple[str, ...] = ()
    guided: bool = False

    def __post_init__(self) -> None:
        if self.backbone not in BACKBONES:
            known = ", ".join(BACKBONES)
            raise InputError(f"backbone is {self.backbone!r}; expected one of: {known}")
        if self.output_stride not in OUTPUT_STRIDES:
            raise InputError(
                f"output_stride is {self.output_stride}; expected one of {OUTPUT_STRIDES}"
            )
        if self.gate_scope not in GATE_SCOPES:
            raise InputError(f"gate_scope is {self.gate_scope!r}; expected one of {GATE_SCOPES}")
        if not self.dilations or min(self.dilations) < 0:
            raise InputError(f"dilations are {self.dilations}; expected some, none negative")
        if unknown := [name for name in self.separable if name not in SEPARABLE]:
            raise InputError(f"separable names {unknown}; expected some of {SEPARABLE}")
        if not self.classes or len(set(self.classes)) < len(self.classes):
            raise InputError(f"classes are {self.classes}; expected some, none of them twice")
        if len(self.decoder_channels) != 2 or min(*self.decoder_channels, self.head_channels) < 1:
            raise InputError(
                f"decoder_channels are {self.decoder_channels} and head_channels is "
                f"{self.head_channels}; expected two numbers and one, 1 or more"
            )
        if self.gate_smoothing < 0:
            raise InputError(f"gate_smoothing is {self.gate_smoothing}; expected 0 or more")


@dataclass(frozen=True)
class TrainConfig(JsonConfig):
    """A training run. What a checkpoint was trained with is on its card.

    Attributes:
        steps: length of the run.
        batch: images a step; once gates learn, half as many photographs, each at full budget
            and at a drawn one.
        crop: side of the square crops, pixels.
        zoom: smallest and largest random zoom (`pag.data.transforms.augment`). What is seen in
            use are whole pictures, of which a small crop of a large zoom shows little.
        roll: largest random roll of the camera to either side, degrees, in each dataset
            (`pag.data.rolling`), in the order of `mixture`; one number is that of all.
        open_steps: first steps, at full budget with every gate open.
        ramp_steps: over these, the lowest budget drawn falls from 1 to its final value.
        lr_backbone, lr_new: learning rates of the ImageNet-initialised part and of the rest.
        lr_gate: of the gates' biases and budget scales, single numbers that have far to go.
        warmup_steps: linear warm-up of the learning rate.
        decay_steps: last steps, over which the learning rate falls linearly to zero.
        weight_decay: of AdamW.
        clip: largest gradient norm.
        temperature, final_temperature: of the Gumbel-softmax, annealed geometrically from
            `open_steps` to the end.
        masks: how training decides gates. ``ranked`` keeps the highest logits, as the exact
            policy does (`pag.relaxation.RankedPolicy`); ``sampled`` is the published Gumbel
            noise on every gate (`pag.relaxation.StochasticPolicy`).
        noise_cell: side of the squares of gate pixels that share one noise value.
        noise: of ranked masks, in standard deviations of the logits.
        share_spread: of ranked masks, how far layers' shares stray, in log-odds. Both fall with
            the learning rate, so that the last steps see the masks of use.
        level_limit: of ranked masks, largest learned level of a layer (log-odds), so that every
            layer goes on deciding pixel by pixel.
        lowest_share: share of steps that draw the lowest budget, the rest being uniform.
        budget_range: lowest and highest budget drawn, raised to the network's floor.
        budgets: how many a step draws, from as many equal parts of the range; the photographs are
            dealt out to them.
        weight_budget, weight_distillation: of these losses beside the tasks' own.
        weight_teacher: of what another, trained network says, if there is one.
        weight_fields: of the loss that keeps MultiPool choosing (`pag.losses.choice_loss`).
        field_information: what its choices should tell about the pixel, nats.
        weight_tasks: of segmentation, boundary, depth and normals.
        norm_steps: steps after which all BatchNorm statistics are frozen.
        only: how the names begin of the parameters that learn; all do if there are none. The
            others, and the layers' shares, stay what they are, so that what does not read those
            that learn gives what it gave.
        ema: decay of the running mean of the weights, which is what is evaluated.
        mixture: share of each dataset in a batch: BSDS500, CamVid, 7-Scenes, rendered scenes.
        seed: of initialisation, batches and noise.
    """

    steps: int = 4500
    batch: int = 8
    crop: int = 256
    zoom: tuple[float, float] = ZOOM
    roll: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    open_steps: int = 1000
    ramp_steps: int = 300
    lr_backbone: float = 1e-4
    lr_new: float = 1e-3
    lr_gate: float = 1e-2
    warmup_steps: int = 100
    decay_steps: int = 1300
    weight_decay: float = 1e-4
    clip: float = 5.0
    temperature: float = 1.0
    final_temperature: float = 0.5
    masks: str = "ranked"
    noise_cell: int = 4
    noise: float = 0.3
    share_spread: float = 0.5
    level_limit: float = 3.0
    lowest_share: float = 0.0
    budget_range: tuple[float, float] = (0.0, 0.98)
    budgets: int = 1
    weight_budget: float = 2.0
    weight_distillation: float = 0.7
    weight_teacher: float = 1.0
    weight_fields: float = 0.0
    field_information: float = 1.0
    weight_tasks: tuple[float, float, float, float] = (1.5, 1.5, 1.0, 2.0)
    norm_steps: int = 3300
    only: tuple[str, ...] = ()
    ema: float = 0.998
    mixture: tuple[float, float, float, float] = (0.27, 0.36, 0.15, 0.22)
    seed: int = 0

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        if isinstance(values, dict) and isinstance(values.get("roll"), int | float):
            values = values | {"roll": (float(values["roll"]),) * 4}
        return super().from_dict(values)

    def __post_init__(self) -> None:
        if self.masks not in TRAINING_MASKS:
            raise InputError(f"masks is {self.masks!r}; expected one of {TRAINING_MASKS}")
        bounds = [0, *self.budget_range, 1]
        if len(bounds) != 4 or bounds != sorted(bounds):
            raise InputError(f"budget_range is {self.budget_range}; expected 0 <= low <= high <= 1")
        for name in ("weight_tasks", "mixture", "roll"):
            if len(getattr(self, name)) != 4:
                raise InputError(f"{name} is {getattr(self, name)}; expected four numbers")
        if self.batch < 2:
            raise InputError(f"batch is {self.batch}; expected 2 or more")
        if not 1 <= self.budgets <= self.batch // 2:
            raise InputError(
                f"budgets is {self.budgets}; expected 1 to {self.batch // 2}, half of the batch"
            )
        if len(self.zoom) != 2 or not 0 < self.zoom[0] <= self.zoom[1]:
            raise InputError(f"zoom is {self.zoom}; expected 0 < smallest <= largest")
        if not 0 <= min(self.roll) <= max(self.roll) <= 180:
            raise InputError(f"roll is {self.roll}; expected 0 to 180 degrees each")
        if self.crop < 2 or self.crop % 2:
            raise InputError(f"crop is {self.crop}; expected an even number of pixels")
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            least = min(value) if isinstance(value, tuple) and value else value
            if isinstance(least, int | float) and least < 0:
                raise InputError(f"{field.name} is {value}; expected nothing below 0")
        for name in ("steps", "temperature", "final_temperature"):
            if getattr(self, name) == 0:
                raise InputError(f"{name} is 0; expected more")
        if self.ema >= 1:
            raise InputError(f"ema is {self.ema}; expected less than 1")

    def learning_rate(self, step: int) -> float:
        """Factor on the learning rates at `step`, 0..1: warm-up, constant, linear decay."""
        rise = (step + 1) / max(1, self.warmup_steps)
        fall = (self.steps - step) / max(1, self.decay_steps)
        return max(0.0, min(1.0, rise, fall))

    def temperature_at(self, step: int) -> float:
        """Temperature of the Gumbel-softmax at `step`."""
        span = max(1, self.steps - self.open_steps)
        progress = min(1.0, max(0.0, (step - self.open_steps) / span))
        return self.temperature * (self.final_temperature / self.temperature) ** progress

    def lowest_budget(self, step: int, floor: float) -> float:
        """The lowest budget drawn at `step`, falling from 1 to `floor`."""
        progress = min(1.0, max(0.0, (step - self.open_steps) / max(1, self.ramp_steps)))
        return 1 - progress * (1 - floor)
