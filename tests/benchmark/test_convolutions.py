"""3x3 convolutions of gated layers beside somebody else's, MultiPool beside one dilation."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pag.benchmark.convolutions import highest_half, left_out, measure_convolutions
from pag.benchmark.pooling import measure_pool
from pag.benchmark.recorded import Seen, record
from pag.benchmark.subject import Recipe, load_images
from pag.benchmark.submanifold import Library, Ours, Run, Spconv, find_spconv
from pag.sparse import as_rows
from tests.benchmark.clocks import Ticking

SIZE = (64, 96)
FOUR = {"ours", "ours_prepared", "theirs", "theirs_prepared"}


class Scattering:
    """Another library: scatters, convolves everywhere, gathers; off by `error`."""

    name = "scattering 1.0"

    def __init__(self, error: float = 0.0) -> None:
        self.error = error

    def bind(self, weight: Tensor, dilation: int, rows: Tensor, mask: Tensor) -> tuple[Run, Run]:
        def run() -> Tensor:
            x = rows.new_zeros(*mask.shape, rows.shape[1])
            x[mask] = rows
            y = F.conv2d(x.permute(0, 3, 1, 2), weight, padding=dilation, dilation=dilation)
            return as_rows(y)[mask.flatten()] * (1 + self.error)

        return run, run


@pytest.fixture(scope="module")
def layers() -> list[Seen]:
    subject = Recipe().make()
    return record(subject, load_images([], SIZE), 0.6)[0]


def test_ours_equals_another_library_on_every_mask(layers: list[Seen]) -> None:
    found = list(measure_convolutions(layers, Scattering(), 2, Ticking()))
    compared = [seen.cost.name for seen in layers if not left_out(seen)]
    assert {timing.layer for timing in found} == set(compared) >= {"res2_1", "res5_3"}
    assert {timing.dilation for timing in found} == {1, 2, 4}
    for timing in found:
        assert timing.difference < 1e-5 and timing.their_difference is not None
        assert timing.their_difference < 1e-5
        assert set(timing.milliseconds) == {"dense", *FOUR}
        assert timing.to_theirs == {"ours": 1.0, "ours_prepared": 1.0}
        assert set(timing.to_dense) == FOUR
    halves = [timing.active_fraction for timing in found if timing.mask == "half"]
    assert halves == pytest.approx([0.5] * len(compared), abs=0.01)
    learned = {t.layer: t.active_fraction for t in found if t.mask == "learned"}
    for seen in layers:
        if seen.cost.name in learned:
            share = seen.mask.float().mean().item()
            assert learned[seen.cost.name] == pytest.approx(share, abs=1e-3)


def test_a_wrong_result_shows(layers: list[Seen]) -> None:
    timing = next(measure_convolutions(layers, Scattering(0.01), 2, Ticking()))
    assert timing.their_difference == pytest.approx(0.01, rel=0.05)
    assert timing.difference < 1e-5


def test_without_another_library_ours_is_held_against_the_dense_one(layers: list[Seen]) -> None:
    timing = next(measure_convolutions(layers, None, 2, Ticking()))
    assert set(timing.milliseconds) == {"dense", "ours", "ours_prepared"}
    assert timing.to_theirs == {} and timing.difference < 1e-5
    assert timing.their_difference is None


def test_strides_and_depthwise_layers_are_left_out_with_a_reason(layers: list[Seen]) -> None:
    reasons = {seen.cost.name: reason for seen in layers if (reason := left_out(seen))}
    assert list(reasons) == ["res3_1"] and "stride 2" in reasons["res3_1"]
    small, _ = record(Recipe(backbone="mobilenetv2").make(), load_images([], SIZE), 0.9)
    assert all("depthwise" in (left_out(seen) or "") for seen in small)
    assert list(measure_convolutions(small, Scattering(), 2, Ticking())) == []


def test_the_higher_half_is_by_logit() -> None:
    logits = torch.tensor([[[[3.0, -1.0, 2.0], [0.0, 5.0, 1.0]]]])
    assert highest_half(logits).tolist() == [[[[True, False, True], [False, True, False]]]]


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("whose", ["ours", "spconv"])
def test_a_submanifold_convolution_by_definition(dilation: int, whose: str) -> None:
    library: Library | None = Ours() if whose == "ours" else find_spconv()
    if library is None:
        pytest.skip("spconv is not installed")
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 5, 7, 11, generator=generator)
    mask = torch.rand(2, 7, 11, generator=generator) > 0.5
    weight = torch.randn(6, 5, 3, 3, generator=generator)
    rows = x.permute(0, 2, 3, 1)[mask].contiguous()
    y = F.conv2d(x * mask[:, None], weight, padding=dilation, dilation=dilation)
    expected = y.permute(0, 2, 3, 1)[mask]
    with torch.inference_mode():
        for call in library.bind(weight, dilation, rows, mask):
            for _ in range(2):  # the second call finds no worse indices than the first
                torch.testing.assert_close(call(), expected, rtol=1e-4, atol=1e-4)


def test_spconv_is_asked_in_its_own_layout() -> None:
    """With a stand-in of the library's two classes, as it is optional."""
    seen = {}

    class Features:
        def __init__(self, features: Tensor, indices: Tensor, size: list[int], batch: int) -> None:
            assert indices.dtype == torch.int32 and indices.is_contiguous()
            self.features, self.indices, self.size, self.batch = features, indices, size, batch

        def replace_feature(self, features: Tensor) -> Features:
            return Features(features, self.indices, self.size, self.batch)

    class SubMConv2d(torch.nn.Module):
        def __init__(self, inputs: int, outputs: int, kernel: int, **settings: object) -> None:
            super().__init__()
            seen.update(settings)
            self.weight = torch.nn.Parameter(torch.zeros(outputs, kernel, kernel, inputs))

        def forward(self, x: Features) -> Features:
            total = self.weight.detach().sum((1, 2))  # (outputs, inputs)
            return x.replace_feature(x.features @ total.T)

    class Stand:
        SparseConvTensor = Features

        class ConvAlgo:
            Native = "native"

    Stand.SubMConv2d = SubMConv2d  # type: ignore[attr-defined]
    library = Spconv(Stand, "2.0")
    weight, rows = torch.rand(4, 3, 3, 3), torch.rand(6, 3)
    mask = torch.zeros(1, 4, 5, dtype=torch.bool)
    mask[0, :2, :3] = True
    for call in library.bind(weight, 2, rows, mask):
        torch.testing.assert_close(call(), rows @ weight.sum((2, 3)).T)
    assert seen["algo"] == "native" and seen["bias"] is False and seen["dilation"] == 2
    assert library.name == "spconv 2.0"


def test_multipool_is_held_against_one_dilation_of_its_own_kernel() -> None:
    _, (module, x) = record(Recipe().make(), load_images([], SIZE), 1.0)
    timing = measure_pool(module, x, 2, Ticking())
    assert timing.size == (8, 12) and timing.channels == 256
    assert math.isclose(sum(timing.dilations.values()), 1, abs_tol=0.01)
    assert list(timing.dilations) == [str(d) for d in module.dilations]
    assert set(timing.milliseconds) == {"multipool", "choosing", "dilated"}
    assert timing.to_dilated == {"multipool": 1.0, "choosing": 1.0}
