import numpy as np
import pytest

from pag.errors import InputError
from pag.metrics import NormalsMetric

FACING = np.array([0.0, 0.0, -1.0])


def tilted(*degrees):
    """(1, N, 3) unit normals turned away from the camera's axis by these angles."""
    angles = np.radians(degrees)
    return np.stack([np.sin(angles), np.zeros(len(degrees)), -np.cos(angles)], axis=-1)[None]


def facing(count):
    return np.broadcast_to(FACING, (1, count, 3)).copy()


def score(prediction, truth):
    metric = NormalsMetric()
    metric.update(prediction, truth)
    return metric.result()


def test_perfect_prediction():
    random = np.random.default_rng(0).normal(size=(8, 9, 3))
    result = score(random, random)
    assert result.mean == result.median == 0.0
    assert result.within_11_25 == result.within_22_5 == result.within_30 == 1.0
    assert result.pixels == 72


def test_known_angles():
    result = score(tilted(0, 10, 20, 25, 90), facing(5))
    assert result.mean == pytest.approx(145 / 5)
    assert result.median == pytest.approx(20)
    assert result.within_11_25 == pytest.approx(2 / 5)
    assert result.within_22_5 == pytest.approx(3 / 5)
    assert result.within_30 == pytest.approx(4 / 5)


def test_each_limit_is_told_apart():
    result = score(tilted(11, 12, 22, 23, 29, 31, 60, 120), facing(8))
    assert result.within_11_25 == 1 / 8
    assert result.within_22_5 == 3 / 8
    assert result.within_30 == 5 / 8


def test_the_median_is_over_all_pixels_and_not_over_images():
    metric = NormalsMetric()
    metric.update(tilted(10, 10, 10), facing(3))
    metric.update(tilted(40), facing(1))
    assert metric.result().median == pytest.approx(10)  # of the images' medians it would be 25


def test_median_of_an_even_number_lies_between_the_middle_two():
    assert score(tilted(0, 10, 50, 170), facing(4)).median == pytest.approx(30)


def test_opposite_normals_are_180_degrees_apart():
    result = score(-facing(3), facing(3))
    assert result.mean == result.median == pytest.approx(180)


def test_median_is_exact_to_a_twentieth_of_a_degree_on_many_pixels():
    angles = np.random.default_rng(1).gamma(2.0, 9.0, size=5001).clip(0, 180)
    result = score(tilted(*angles), facing(5001))
    assert result.median == pytest.approx(np.median(angles), abs=0.05)
    assert result.mean == pytest.approx(angles.mean(), abs=1e-9)


def test_length_of_vectors_does_not_matter():
    assert score(5 * tilted(20), 0.1 * facing(1)).mean == pytest.approx(20)


def test_every_pixel_weighs_the_same_across_images():
    metric = NormalsMetric()
    metric.update(facing(3), facing(3))
    metric.update(tilted(80), facing(1))
    assert metric.result().mean == pytest.approx(20)


def test_invalid_pixels_are_ignored():
    truth = facing(3)
    truth[0, 1] = 0
    truth[0, 2, 0] = np.nan
    prediction = tilted(10, 90, 90)
    prediction[0, 1] = np.nan
    result = score(prediction, truth)
    assert result.mean == pytest.approx(10)
    assert result.pixels == 1


@pytest.mark.parametrize(
    ("prediction", "truth", "message"),
    [
        (np.ones((2, 3, 3)), np.ones((3, 2, 3)), r"\(2, 3, 3\).*\(3, 2, 3\)"),
        (np.ones((3, 4, 4)), np.ones((3, 4, 4)), r"expected \(H, W, 3\)"),
        (np.zeros((2, 2, 3)), np.ones((2, 2, 3)), "zero, NaN or infinite"),
        (np.full((2, 2, 3), np.nan), np.ones((2, 2, 3)), "zero, NaN or infinite"),
    ],
)
def test_wrong_input_is_refused(prediction, truth, message):
    with pytest.raises(InputError, match=message):
        NormalsMetric().update(prediction, truth)


def test_nothing_to_score_is_an_error():
    metric = NormalsMetric()
    metric.update(facing(2), np.zeros((1, 2, 3)))
    with pytest.raises(InputError, match="no pixel with a known normal"):
        metric.result()
