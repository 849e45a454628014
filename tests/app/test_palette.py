"""Colours can be told apart, also by readers who do not see all of them."""

from __future__ import annotations

import numpy as np
import pytest

from app.palette import (
    ACTIVE,
    CLASS_COLOURS,
    DEPTH_MAP,
    DILATION_MAP,
    INDOOR_COLOURS,
    PONDER_MAP,
    STREET_COLOURS,
    class_colours,
    colormap_table,
    css,
    css_gradient,
    dilation_colours,
)
from pag import LABEL_SETS

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


def test_tables_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        colormap_table(DEPTH_MAP)[0] = 0


def test_css() -> None:
    assert css(ACTIVE) == "#ffb000"
    first, last = (css(tuple(colormap_table(DEPTH_MAP)[i].tolist())) for i in (0, -1))
    assert css_gradient(DEPTH_MAP).startswith(f"linear-gradient(to right, {first}")
    assert css_gradient(DEPTH_MAP, reverse=True).startswith(f"linear-gradient(to right, {last}")
