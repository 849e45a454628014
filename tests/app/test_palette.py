"""Colours can be told apart, also by readers who do not see all of them."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from app.figures.costs import cost_figure
from app.figures.ponder import ponder_figure
from app.figures.quality import agreement_figure, heldout_figure
from app.heldout import Curve
from app.look import STYLES, launch_options, theme
from app.palette import (
    ACTIVE,
    CHART_MARK,
    CLASS_COLOURS,
    DEPTH_MAP,
    DIFFERENCE,
    DILATION_MAP,
    INDOOR_COLOURS,
    METHOD_STYLES,
    PONDER_MAP,
    PROBABILITY_MAP,
    STREET_COLOURS,
    class_colours,
    colormap_table,
    css,
    css_gradient,
    css_variables,
    dilation_colours,
)
from pag import LABEL_SETS, Inference

# Machado, Oliveira and Fernandes (2009), severity 1.0, for linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def lab(colours: object, vision: str = "normal") -> np.ndarray:
    """sRGB 0..255 to CIELAB (D65) as seen with one kind of vision."""
    srgb = np.array(colours, float) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ VISION[vision].T, 0, 1)
    xyz = seen @ TO_XYZ.T / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack(
        [116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1
    )


def closest(colours: object, vision: str = "normal") -> float:
    points = lab(colours, vision)
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    return float(distance[np.triu_indices(len(points), 1)].min())


def test_white_is_white_in_lab() -> None:
    assert lab([(255, 255, 255)])[0] == pytest.approx([100, 0, 0], abs=0.02)


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("colours", [STREET_COLOURS, INDOOR_COLOURS], ids=["street", "indoor"])
def test_classes_of_one_set_differ_for_everyone(colours: dict, vision: str) -> None:
    assert closest(list(colours.values()), vision) > (28 if vision == "normal" else 20)


@pytest.mark.parametrize("vision", VISION)
def test_classes_of_all_sets_differ_for_everyone(vision: str) -> None:
    assert len(CLASS_COLOURS) == 22
    # Closer than within a set, but far beyond the 2 to 3 that can just be told apart.
    assert closest(list(CLASS_COLOURS.values()), vision) > (20 if vision == "normal" else 11)


def test_every_class_on_offer_has_a_colour_of_its_own() -> None:
    assert set(LABEL_SETS["all"]) == set(CLASS_COLOURS)


def test_unknown_classes_get_colours_and_known_ones_keep_theirs() -> None:
    names = ("alpha", "sky", "beta", "gamma", "delta", "epsilon")
    colours = class_colours(names)
    assert colours[1] == STREET_COLOURS["sky"]
    assert closest(colours) > 10
    assert colours == class_colours(names)


@pytest.mark.parametrize("vision", VISION)
def test_pooling_fields_differ_for_everyone(vision: str) -> None:
    assert closest(dilation_colours((0, 1, 2, 4, 6, 8, 10)), vision) > 8


def test_farther_pooling_fields_are_darker_whatever_their_order() -> None:
    ordered = dilation_colours((0, 1, 2, 4, 6, 8, 10))
    lightness = lab(ordered[1:])[:, 0]
    assert (np.diff(lightness) < 0).all()
    assert dilation_colours((10, 0, 1, 2, 4, 6, 8)) == (ordered[-1], *ordered[:-1])
    assert len(dilation_colours((0,))) == 1


@pytest.mark.parametrize("name", [DEPTH_MAP, PONDER_MAP])
def test_maps_of_quantities_are_perceptually_ordered(name: str) -> None:
    lightness = lab(colormap_table(name)[::8])[:, 0]
    assert (np.diff(lightness) > 0).all()


def test_maps_do_not_look_alike() -> None:
    assert len({DEPTH_MAP, PONDER_MAP, DILATION_MAP}) == 3


def contrast(one: str, other: str) -> float:
    """Of two colours, as WCAG 2 has it: 1 to 21."""
    srgb = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in (one, other)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    dark, light = sorted(linear @ TO_XYZ[1])
    return float((light + 0.05) / (dark + 0.05))


def on_page(name: str, mode: str) -> str:
    """A colour of the page's theme, ``light`` or ``dark``."""
    value = getattr(theme(), f"{name}_dark" if mode == "dark" else name)
    while value.startswith("*"):
        value = getattr(theme(), value[1:])
    return "#ffffff" if value == "white" else value


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("ground", ["body_background_fill", "block_background_fill"])
def test_charts_are_read_in_the_light_and_in_the_dark(mode: str, ground: str) -> None:
    page = on_page(ground, mode)
    assert contrast(on_page("body_text_color_subdued", mode), page) >= 4.5  # see charts.js
    for colour in (CHART_MARK, *(stroke.colour for stroke in METHOD_STYLES.values())):
        assert contrast(colour, page) >= 3, colour


def test_contrast() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21, abs=0.01)
    assert contrast("#7d8597", "#ffffff") == pytest.approx(3.70, abs=0.01)


def test_charts_leave_the_colour_of_their_letters_to_the_page(
    make_inference: Callable[..., Inference],
) -> None:
    record, curve = make_inference(), Curve("learned", (0.5, 1.0), (0.6, 0.7))
    figures = [ponder_figure(record), agreement_figure("depth"), heldout_figure("depth", [curve])]
    layouts = [cost_figure(record)["layout"], *(f.to_plotly_json()["layout"] for f in figures)]
    assert all(set(layout["font"]) == {"size"} for layout in layouts)


def test_tables_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        colormap_table(DEPTH_MAP)[0] = 0


def test_css() -> None:
    assert css(ACTIVE) == "#ffb000"
    first, last = (css(tuple(colormap_table(DEPTH_MAP)[i].tolist())) for i in (0, -1))
    assert css_gradient(DEPTH_MAP).startswith(f"linear-gradient(to right, {first}")
    assert css_gradient(DEPTH_MAP, reverse=True).startswith(f"linear-gradient(to right, {last}")


def test_styles_have_colours_that_mean_something_from_here() -> None:
    styles = "\n".join(path.read_text(encoding="utf-8") for path in STYLES)
    for red, green, blue, _ in DIFFERENCE.values():
        assert f"rgb({red} {green} {blue}" not in styles
        assert css((red, green, blue)) not in styles
    for name in (PONDER_MAP, PROBABILITY_MAP):
        ends = (css(tuple(colormap_table(name)[i].tolist())) for i in (0, -1))
        assert not any(end in styles for end in ends)
    served = launch_options()["css"]
    assert served == css_variables()
    assert set(re.findall(r"--pag-(\w+):", served)) <= set(re.findall(r"var\(--pag-(\w+)", styles))
