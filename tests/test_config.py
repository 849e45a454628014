"""Settings: JSON both ways, strict; and the schedules of a training run."""

from __future__ import annotations

import dataclasses
import itertools
import json

import pytest

from pag.config import PAGConfig, TrainConfig
from pag.errors import InputError


@pytest.mark.parametrize(
    "config",
    [
        PAGConfig(),
        PAGConfig(output_stride=16, gate_scope="conv", dilations=(1, 2), classes=("a", "b")),
        TrainConfig(),
        PAGConfig(separable=("middle", "depth")),
        TrainConfig(steps=3, mixture=(1.0, 0.0, 2.5, 0.5), lr_new=1e-5),
    ],
)
def test_json_round_trip(config: PAGConfig | TrainConfig) -> None:
    again = type(config).from_json(config.to_json())
    assert again == config
    for field in dataclasses.fields(config):  # lists have become tuples again
        assert type(getattr(again, field.name)) is type(getattr(config, field.name))


def test_some_settings_leave_the_rest_at_their_defaults() -> None:
    assert TrainConfig.from_dict({"steps": 7}) == dataclasses.replace(TrainConfig(), steps=7)


@pytest.mark.parametrize("config", [PAGConfig, TrainConfig])
def test_unknown_settings_are_named(config: type[PAGConfig]) -> None:
    with pytest.raises(InputError, match=rf"{config.__name__}: unknown setting\(s\) a, typo"):
        config.from_dict({"typo": 1, "a": 2})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"output_stride": 32}, r"output_stride is 32; expected one of \(8, 16\)"),
        ({"gate_scope": "layer"}, "gate_scope is 'layer'"),
        ({"dilations": []}, "dilations are"),
        ({"dilations": [0, -1]}, "dilations are"),
        ({"separable": ["fine", "stem"]}, r"separable names \['stem'\]; expected some of"),
        ({"dilations": 3}, "dilations is 3; expected a list, each a whole number"),
        ({"dilations": [1, 2.5]}, "dilations is"),
        ({"classes": "sky"}, "classes is 'sky'; expected a list, each a text"),
        ({"classes": []}, r"classes are \(\); expected some"),
        ({"classes": ["sky", "sky"]}, "classes are .* none of them twice"),
        ({"separable": [1]}, "separable is"),
        ({"decoder_channels": 64}, "decoder_channels is 64"),
        ({"decoder_channels": [64]}, r"decoder_channels are \(64,\)"),
        ({"decoder_channels": [64, 0]}, "1 or more"),
        ({"decoder_channels": None}, "decoder_channels is None"),
        ({"head_channels": -1}, "head_channels is -1"),
        ({"head_channels": True}, "head_channels is True; expected a whole number"),
        ({"gate_smoothing": -1}, "gate_smoothing is -1"),
        ({"guided": 1}, "guided is 1; expected true or false"),
        ({"backbone": 50}, "backbone is 50; expected a text"),
    ],
)
def test_settings_that_make_no_network(settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        PAGConfig.from_json(json.dumps(settings))


def test_settings_cannot_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        PAGConfig().output_stride = 16  # type: ignore[misc]


def test_learning_rate_warms_up_holds_and_decays_to_zero() -> None:
    config = TrainConfig(steps=1000, warmup_steps=100, decay_steps=300)
    assert config.learning_rate(0) == pytest.approx(0.01)
    assert config.learning_rate(99) == config.learning_rate(500) == 1
    assert config.learning_rate(850) == pytest.approx(0.5)
    assert config.learning_rate(999) > 0 and config.learning_rate(1000) == 0
    assert TrainConfig(steps=10, warmup_steps=0, decay_steps=0).learning_rate(5) == 1


def test_temperature_falls_geometrically() -> None:
    config = TrainConfig(steps=1100, open_steps=100, temperature=1.0, final_temperature=0.25)
    assert config.temperature_at(0) == config.temperature_at(100) == 1
    assert config.temperature_at(600) == pytest.approx(0.5)
    assert config.temperature_at(1100) == config.temperature_at(5000) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"masks": "drawn"}, "masks is 'drawn'"),
        ({"budget_range": [0.7, 0.5]}, r"budget_range is \(0.7, 0.5\); expected 0 <= low"),
        ({"budget_range": [0.5, 1.5]}, "budget_range is"),
        ({"budget_range": [0.5]}, "budget_range is"),
        ({"weight_tasks": [1, 1, 1]}, r"weight_tasks is \(1, 1, 1\); expected four"),
        ({"mixture": [1]}, "mixture is"),
        ({"batch": 1}, "batch is 1; expected 2 or more"),
        ({"zoom": [1.2, 0.8]}, r"zoom is \(1.2, 0.8\); expected 0 < smallest"),
        ({"zoom": [1.0]}, "zoom is"),
        ({"roll": (0, 0, -1, 0)}, "roll is .* expected 0 to 180 degrees each"),
        ({"roll": (181, 0, 0, 0)}, "roll is"),
        ({"roll": (5, 5)}, "expected four numbers"),
        ({"crop": 255}, "crop is 255; expected an even number"),
        ({"steps": "100"}, "steps is '100'; expected a whole number"),
        ({"steps": 0}, "steps is 0; expected more"),
        ({"seed": -1}, "seed is -1; expected nothing below 0"),
        ({"temperature": 0}, "temperature is 0"),
        ({"budgets": 1.5}, "budgets is 1.5; expected a whole number"),
        ({"ema": 2}, "ema is 2; expected less than 1"),
        ({"lr_new": float("nan")}, "lr_new is nan; expected a number"),
        ({"zoom": 1}, "zoom is 1; expected a list, each a number"),
        ({"mixture": [0.5, 0.5, -0.1, 0.1]}, "mixture is .* nothing below 0"),
    ],
)
def test_settings_that_make_no_run(settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        TrainConfig.from_json(json.dumps(settings))


def test_one_roll_is_that_of_all_datasets() -> None:
    assert TrainConfig.from_json('{"roll": 7.5}').roll == (7.5, 7.5, 7.5, 7.5)
    assert TrainConfig.from_json('{"roll": 0}') == TrainConfig()
    with pytest.raises(InputError, match="roll is"):
        TrainConfig.from_json('{"roll": -1}')


def test_budgets_are_introduced_gently() -> None:
    config = TrainConfig(open_steps=100, ramp_steps=50)
    drawn = [config.lowest_budget(step, 0.3) for step in (0, 100, 125, 150, 4000)]
    assert drawn == pytest.approx([1, 1, 0.65, 0.3, 0.3])
    assert all(a >= b for a, b in itertools.pairwise(drawn))
