"""Figures show the record as it is, keep its shape, and leave it alone."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from app.figures import costs, dilations, gates, outputs, ponder
from app.figures.raster import (
    data_uri,
    fit_within,
    indexed,
    luminance,
    nearest,
    unit_interval,
)
from app.palette import ACTIVE, CLASS_COLOURS, DEPTH_MAP, SKIPPED, colormap_table, dilation_colours
from pag import LABEL_SETS, TASKS, Inference

PICTURES: dict[str, Callable[[Inference], Image.Image]] = {
    "segmentation": outputs.segmentation_image,
    "overlay": outputs.segmentation_overlay,
    "boundary": outputs.boundary_image,
    "depth": outputs.depth_image,
    "normals": outputs.normals_image,
    "ponder": ponder.ponder_image,
}
OTHERS: dict[str, Callable[[Inference], object]] = {
    "class legend": outputs.class_legend,
    "depth range": outputs.depth_range,
    "masks": lambda record: [gates.mask_picture(gate) for gate in record.gates],
    "wishes": lambda record: [gates.probability_picture(gate) for gate in record.gates],
    "dilations": dilations.dilation_picture,
    "ponder figure": ponder.ponder_figure,
    "ponder histogram": ponder.ponder_histogram,
    "mean ponder": ponder.mean_ponder,
    "dilation legend": dilations.dilation_legend,
    "median dilation": dilations.median_dilation,
    "cost figure": costs.cost_figure,
    "ungated": costs.ungated_macs,
}


def arrays(record: Inference) -> Iterator[np.ndarray]:
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if isinstance(value, np.ndarray):
            yield value
    for gate in record.gates:
        yield from (gate.mask, gate.probability)


def fingerprint(record: Inference) -> str:
    digest = hashlib.sha256()
    for array in arrays(record):
        digest.update(array.tobytes())
    return digest.hexdigest()


@pytest.fixture
def record(make_inference: Callable[..., Inference]) -> Inference:
    return make_inference(90, 121)


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("size", [(90, 121), (33, 64), (64, 33), (240, 320)])
def test_pictures_have_the_working_size(
    make_inference: Callable[..., Inference], name: str, size: tuple[int, int]
) -> None:
    picture = PICTURES[name](make_inference(*size))
    assert (picture.height, picture.width) == size


@pytest.mark.parametrize("name", [*PICTURES, *OTHERS])
def test_the_record_is_left_alone(record: Inference, name: str) -> None:
    before = fingerprint(record)
    drawn = (PICTURES | OTHERS)[name](record)
    assert fingerprint(record) == before
    assert not any(array.flags.writeable for array in arrays(record))
    if isinstance(drawn, Image.Image):  # nor can it be changed through the picture
        drawn.putpixel((0, 0), 0)
        assert fingerprint(record) == before


@pytest.mark.parametrize("task", TASKS)
def test_a_task_that_was_not_asked_for_has_no_picture(
    make_inference: Callable[..., Inference], task: str
) -> None:
    record = make_inference(tasks=[t for t in TASKS if t != task])
    with pytest.raises(ValueError, match=f"no {task}"):
        PICTURES[task](record)


# ---------------------------------------------------------------- the four outputs


def test_flat_segmentation_is_the_ids_in_the_palette_of_the_classes(record: Inference) -> None:
    picture = outputs.segmentation_image(record)
    assert record.segmentation is not None
    assert np.array_equal(np.asarray(picture), record.segmentation)
    name = record.classes[int(record.segmentation[5, 7])]
    assert picture.convert("RGB").getpixel((7, 5)) == CLASS_COLOURS[name]


@pytest.mark.parametrize("count", [1, 11, 22])
def test_the_overlay_mixes_class_and_photo(record: Inference, count: int) -> None:
    # 22 classes in one picture need more colours than a palette has: the RGB way.
    classes = LABEL_SETS["all"][:count]
    ids = (np.arange(record.image[..., 0].size).reshape(record.image.shape[:2]) % count).astype(
        "u1"
    )
    record = dataclasses.replace(record, segmentation=ids, classes=classes)
    drawn = np.asarray(outputs.segmentation_overlay(record, 0.65).convert("RGB"), float)
    colours = np.array([CLASS_COLOURS[name] for name in classes], float)[ids]
    expected = 0.65 * colours + 0.35 * luminance(record.image)[..., None]
    assert np.abs(drawn - expected).max() <= 0.35 * 255 / 12 / 2 + 2


def test_the_class_legend_lists_what_is_seen_largest_first(record: Inference) -> None:
    ids = np.zeros_like(record.segmentation)
    ids[:30] = 3
    ids[0, 0] = 5  # one pixel of 10 890
    legend = outputs.class_legend(dataclasses.replace(record, segmentation=ids))
    assert [item.name for item in legend] == [record.classes[0], record.classes[3]]
    assert [item.share for item in legend] == pytest.approx([2 / 3, 1 / 3], abs=1e-3)
    assert legend[1].colour == CLASS_COLOURS[record.classes[3]]


def test_boundaries_are_ink_on_paper(record: Inference) -> None:
    strength = np.zeros((90, 121), np.float32)
    strength[3] = 1.0
    strength[4] = 0.5
    drawn = np.asarray(outputs.boundary_image(dataclasses.replace(record, boundary=strength)))
    assert (drawn[0, 0], drawn[3, 0], drawn[4, 0]) == (255, 0, 127)


def test_near_is_bright_and_far_is_dark(record: Inference) -> None:
    depth = np.tile(np.linspace(1, 9, 121, dtype=np.float32), (90, 1))
    depth[0, :5] = np.nan
    drawn = dataclasses.replace(record, depth=depth, segmentation=None)
    near, far = outputs.depth_range(drawn)
    assert (near, far) == pytest.approx((1.0, 9.0), abs=0.2)
    picture = outputs.depth_image(drawn).convert("RGB")
    assert picture.getpixel((0, 50)) == tuple(colormap_table(DEPTH_MAP)[-1])
    assert picture.getpixel((120, 50)) == tuple(colormap_table(DEPTH_MAP)[0])
    levels = outputs.depth_levels((near, far))
    place = colormap_table(DEPTH_MAP)[::-1].tolist().index(list(picture.getpixel((60, 50))))  # type: ignore[arg-type]
    assert levels[place] == pytest.approx(5.0, rel=0.02)


def test_the_sky_does_not_stretch_the_colours(record: Inference) -> None:
    depth = np.full((90, 121), 4.0, np.float32)
    depth[:30], depth[60:] = 300.0, 2.0
    ids = np.full((90, 121), record.classes.index("road"), np.uint8)
    ids[:30] = record.classes.index("sky")
    drawn = dataclasses.replace(record, depth=depth, segmentation=ids)
    assert outputs.depth_range(drawn) == pytest.approx((2.0, 4.0))
    all_sky = dataclasses.replace(
        drawn, segmentation=np.full_like(ids, record.classes.index("sky"))
    )
    assert outputs.depth_range(all_sky)[1] == pytest.approx(300.0)


@pytest.mark.parametrize("value", [2.0, np.nan, np.inf])
def test_depth_without_a_range_can_be_drawn(record: Inference, value: float) -> None:
    flat = dataclasses.replace(record, depth=np.full((90, 121), value, np.float32))
    near, far = outputs.depth_range(flat)
    assert np.isfinite([near, far]).all()
    assert near < far
    assert len(set(np.asarray(outputs.depth_image(flat)).ravel().tolist())) == 1


@pytest.mark.parametrize(
    ("normal", "colour"),
    [
        ((0, 0, -1), (128, 128, 255)),  # towards the camera
        ((1, 0, 0), (255, 128, 128)),  # to the right
        ((0, -1, 0), (128, 255, 128)),  # up: y points down in the record
        ((0, 1, 0), (128, 0, 128)),
    ],
)
def test_normals_have_the_usual_colours(
    record: Inference, normal: tuple[float, ...], colour: tuple[int, ...]
) -> None:
    normals = np.broadcast_to(np.array(normal, np.float32), (90, 121, 3)).copy()
    picture = outputs.normals_image(dataclasses.replace(record, normals=normals))
    assert picture.getpixel((9, 9)) == colour


def test_the_key_of_the_normals_is_a_ball() -> None:
    key = outputs.normals_key(64)
    assert key.mode == "RGBA"
    corner, middle, right = (key.getpixel(at) for at in ((0, 0), (32, 32), (62, 32)))
    assert isinstance(corner, tuple) and isinstance(middle, tuple) and isinstance(right, tuple)
    assert corner[3] == 0
    assert middle[2] > 250 and middle[3] == 255
    assert right[0] > 240


# ---------------------------------------------------------------- gates, pooling, ponder, cost


def test_a_mask_is_gold_where_the_layer_ran(record: Inference) -> None:
    for gate in record.gates:
        picture = gates.mask_picture(gate)
        assert np.array_equal(np.asarray(picture), gate.mask)
        drawn = np.asarray(picture.convert("RGBA"))
        assert (drawn[gate.mask][:, :3] == ACTIVE).all()
        assert (drawn[~gate.mask][:, :3] == SKIPPED).all()
        assert 0 < drawn[..., 3].min() <= drawn[..., 3].max() < 255  # the photo shows through


@pytest.mark.parametrize(("mode", "index"), [("open", 1), ("closed", 0)])
def test_open_and_closed_gates(
    make_inference: Callable[..., Inference], mode: str, index: int
) -> None:
    for gate in make_inference(gates=mode).gates:
        assert set(np.asarray(gates.mask_picture(gate)).ravel().tolist()) == {index}


def test_a_wish_is_drawn_from_dark_to_bright(record: Inference) -> None:
    probability = np.array([[0.0, 0.5, 1.0]], np.float32)
    gate = dataclasses.replace(record.gates[0], probability=probability)
    picture = gates.probability_picture(gate)
    assert np.asarray(picture).tolist() == [[0, 128, 255]]
    brightness = np.asarray(picture.convert("RGB"), int).sum(2)[0]
    assert brightness[0] < brightness[1] < brightness[2]


@pytest.mark.parametrize("size", [(90, 121), (96, 128), (33, 64)])
def test_grids_cover_the_photo(make_inference: Callable[..., Inference], size: Any) -> None:
    record = make_inference(*size)
    for gate in record.gates:
        height, width = gates.coverage(gate, size)
        assert 1 <= height < 1 + gate.stride / size[0]
        assert 1 <= width < 1 + gate.stride / size[1]
    height, width = dilations.coverage(record)
    assert height >= 1 and width >= 1


def test_the_dilation_map_is_the_choices(record: Inference) -> None:
    picture = dilations.dilation_picture(record)
    assert np.array_equal(np.asarray(picture), record.dilation)
    colours = dilation_colours(record.dilations)
    row, column = 2, 3
    expected = colours[int(record.dilation[row, column])]
    assert picture.convert("RGB").getpixel((column, row)) == expected


def test_the_dilation_legend_has_every_choice_and_adds_up(record: Inference) -> None:
    legend = dilations.dilation_legend(record)
    assert len(legend) == len(record.dilations)
    assert sum(item.share for item in legend) == pytest.approx(1.0)
    assert [item.share for item in legend] == list(record.dilation_fractions.values())


def test_the_median_dilation(record: Inference) -> None:
    index = np.array([[0, 1, 1], [1, 6, 6]], np.uint8)  # dilations 0, 1, 1, 1, 10, 10
    assert dilations.median_dilation(dataclasses.replace(record, dilation=index)) == 1


def heatmap(figure: go.Figure) -> Any:
    traces: Any = figure.data
    (trace,) = traces
    assert isinstance(trace, go.Heatmap)
    return trace


def test_the_ponder_heatmap_reads_what_the_record_says(
    make_inference: Callable[..., Inference],
) -> None:
    record = make_inference(300, 400)
    trace = heatmap(ponder.ponder_figure(record))
    z = np.asarray(trace.z)
    assert max(z.shape) == ponder.CELLS
    assert z.shape == fit_within((300, 400), ponder.CELLS)
    assert np.array_equal(z, nearest(record.ponder_layers, z.shape))
    macs = nearest(record.ponder_macs, z.shape) / 1e3
    assert np.allclose(np.asarray(trace.customdata), macs, atol=0.06)
    assert (trace.zmin, trace.zmax) == (0, 15)
    # The cells cover the photo exactly.
    assert trace.x0 == pytest.approx(trace.dx / 2)
    assert trace.dx * z.shape[1] == pytest.approx(400)
    assert trace.dy * z.shape[0] == pytest.approx(300)


def test_the_ponder_heatmap_counts_multiply_adds_too(
    make_inference: Callable[..., Inference],
) -> None:
    record = make_inference(96, 128, gates="open")
    trace = heatmap(ponder.ponder_figure(record, "macs"))
    assert np.allclose(np.asarray(trace.z), record.ponder_macs / 1e3)
    # Where everything ran, the colours reach their end.
    assert trace.zmax == pytest.approx(float(record.ponder_macs.max()) / 1e3, rel=1e-5)
    assert np.array_equal(np.asarray(trace.customdata), record.ponder_layers)
    with pytest.raises(ValueError, match="expected one of layers, macs"):
        ponder.ponder_figure(record, "seconds")


def test_the_ponder_figure_is_small_and_has_the_photo_behind(
    make_inference: Callable[..., Inference],
) -> None:
    text = ponder.ponder_figure(make_inference(480, 640)).to_json()
    assert text is not None
    assert len(text) < 300_000
    layout = json.loads(text)["layout"]
    assert layout["images"][0]["source"].startswith("data:image/jpeg;base64,")
    assert layout["yaxis"]["range"] == [480, 0]  # row 0 on top


def test_ponder_colours_do_not_depend_on_the_budget(
    make_inference: Callable[..., Inference],
) -> None:
    low, high = (heatmap(ponder.ponder_figure(make_inference(budget=b))) for b in (0.3, 1.0))
    assert (low.zmin, low.zmax, low.colorscale) == (high.zmin, high.zmax, high.colorscale)


def test_the_ponder_histogram_counts_every_pixel_once(record: Inference) -> None:
    bars = ponder.ponder_histogram(record)
    assert len(bars) == len(record.gates) + 1
    assert sum(bar.share for bar in bars) == pytest.approx(1.0)
    assert bars[0].name == "15 layers"
    assert bars[-2].name == "1 layer"
    assert bars[-4].share == pytest.approx((record.ponder_layers == 3).mean())


def test_the_cost_chart_shows_dense_and_executed_of_every_layer(record: Inference) -> None:
    bars: Any = go.Figure(costs.cost_figure(record)).data  # which checks every value
    dense, executed = bars
    assert list(dense.x) == [gate.name for gate in record.gates]
    assert list(dense.y) == pytest.approx([gate.macs_dense / 1e6 for gate in record.gates])
    assert list(executed.y) == pytest.approx([gate.macs_executed / 1e6 for gate in record.gates])
    assert all(e <= d for e, d in zip(executed.y, dense.y, strict=True))


def test_gated_and_ungated_add_up(record: Inference) -> None:
    gated = sum(gate.macs_executed for gate in record.gates)
    assert costs.ungated_macs(record) + gated == record.macs_executed


# ---------------------------------------------------------------- raster tools


def test_fit_within_keeps_the_shape_and_never_enlarges() -> None:
    assert fit_within((300, 400), 200) == (150, 200)
    assert fit_within((30, 40), 200) == (30, 40)
    assert fit_within((1, 4000), 100) == (1, 100)


def test_nearest_takes_values_as_they_are() -> None:
    array = np.arange(12).reshape(3, 4)
    assert np.array_equal(nearest(array, (3, 4)), array)
    assert set(nearest(array, (2, 3)).ravel()) <= set(array.ravel())


def test_unit_interval_clips() -> None:
    places = unit_interval(np.array([-1.0, 0.0, 0.5, 1.0, 9.0, np.nan]), 0.0, 1.0)
    assert places.tolist() == [0, 0, 128, 255, 255, 0]


def test_indexed_pictures_and_data_addresses() -> None:
    picture = indexed(np.array([[0, 1]], np.uint8), np.array([[1, 2, 3], [4, 5, 6]], np.uint8))
    assert picture.convert("RGB").getpixel((1, 0)) == (4, 5, 6)
    assert data_uri(picture).startswith("data:image/png;base64,iVBOR")
