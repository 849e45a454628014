import dataclasses

import numpy as np
import pytest

from pag.errors import InputError
from pag.metrics import DepthErrors, DepthMetric


def score(*pairs):
    metric = DepthMetric()
    for prediction, truth in pairs:
        metric.update(np.asarray(prediction, float), np.asarray(truth, float))
    return metric.result()


def test_perfect_prediction():
    result = score(([[1.0, 2.0]], [[1.0, 2.0]]))
    perfect = DepthErrors(absrel=0, rmse=0, log10=0, delta1=1, delta2=1, delta3=1)
    assert result.median_scaled == perfect
    assert all(getattr(result, k) == v for k, v in dataclasses.asdict(perfect).items())


def test_four_pixels_by_hand():
    # Ratios 1, 1.2, 1.5 and 2 = 8 / 4: below 1.25, 1.5625 and 1.953 are 2, 3 and 3 of them.
    result = score(([[1.0, 1.2], [1.0, 8.0]], [[1.0, 1.0], [1.5, 4.0]]))
    assert result.absrel == pytest.approx((0 + 0.2 + 0.5 / 1.5 + 1) / 4)
    assert result.rmse == pytest.approx(np.sqrt((0 + 0.04 + 0.25 + 16) / 4))
    assert result.log10 == pytest.approx(np.log10(1.2 * 1.5 * 2) / 4)
    assert (result.delta1, result.delta2, result.delta3) == (0.5, 0.75, 0.75)


def test_median_scaling_takes_the_scale_away():
    result = score(([[2.0, 4.0, 6.0]], [[1.0, 2.0, 3.0]]))
    assert result.absrel == pytest.approx(1.0)
    assert result.delta3 == 0.0
    assert result.median_scaled.absrel == pytest.approx(0.0)
    assert result.median_scaled.delta1 == 1.0


def test_median_scaling_uses_medians_and_not_means():
    result = score(([[1.0, 1.0, 1.0]], [[2.0, 2.0, 8.0]]))
    assert result.median_scaled.absrel == pytest.approx((0 + 0 + 6 / 8) / 3)


def test_all_scaled_errors_by_hand():
    # The medians are 2 and 1, so that 1, 2, 6 become 0.5, 1, 3 beside a truth of 1, 1, 2.
    scaled = score(([[1.0, 2.0, 6.0]], [[1.0, 1.0, 2.0]])).median_scaled
    assert scaled.absrel == pytest.approx((0.5 + 0 + 0.5) / 3)
    assert scaled.rmse == pytest.approx(np.sqrt((0.25 + 0 + 1) / 3))
    assert scaled.log10 == pytest.approx((np.log10(2) + 0 + np.log10(1.5)) / 3)
    # Ratios 2, 1 and 1.5 against 1.25, 1.5625 and 1.953.
    assert scaled.delta1 == pytest.approx(1 / 3)
    assert scaled.delta2 == scaled.delta3 == pytest.approx(2 / 3)


def test_every_image_has_its_own_scale():
    # Twice too far in one image and half as far in the other: no common scale would do.
    result = score(([[2.0, 4.0]], [[1.0, 2.0]]), ([[1.0, 2.0]], [[2.0, 4.0]]))
    assert result.median_scaled.absrel == 0.0
    assert result.absrel == pytest.approx((1.0 + 0.5) / 2)


@pytest.mark.parametrize(("ratio", "shares"), [(1.25, (0, 1, 1)), (1.5625, (0, 0, 1))])
def test_a_ratio_of_just_the_limit_does_not_count(ratio, shares):
    result = score(([[ratio]], [[1.0]]))
    assert (result.delta1, result.delta2, result.delta3) == shares


def test_every_image_weighs_the_same():
    many_right = (np.ones((10, 10)), np.ones((10, 10)))
    one_wrong = ([[3.0]], [[1.0]])
    result = score(many_right, one_wrong)
    assert result.absrel == pytest.approx((0 + 2) / 2)
    assert result.rmse == pytest.approx((0 + 2) / 2)
    assert result.delta1 == 0.5
    assert result.images == 2


def test_invalid_truth_is_ignored_whatever_is_predicted_there():
    result = score(([[1.0, 9.0, -1.0, np.nan, 0.0]], [[1.0, 0.0, np.nan, np.inf, -2.0]]))
    assert result.absrel == 0.0
    assert result.delta1 == 1.0


def test_image_without_valid_pixels_is_passed_over():
    result = score(([[5.0]], [[0.0]]), ([[1.0]], [[1.0]]))
    assert result.images == 1
    assert result.absrel == 0.0


def test_half_precision_does_not_overflow():
    metric = DepthMetric()
    metric.update(np.full((300, 300), 300, np.float16), np.full((300, 300), 600, np.float16))
    assert metric.result().rmse == pytest.approx(300)


@pytest.mark.parametrize(
    ("prediction", "truth", "message"),
    [
        (np.ones((2, 3)), np.ones((3, 2)), r"\(2, 3\).*\(3, 2\)"),
        (np.ones(3), np.ones(3), r"expected \(H, W\)"),
        (np.array([[0.0, 2.0]]), np.ones((1, 2)), "from 0 to 2 m; expected finite values above 0"),
        (np.array([[np.nan, 2.0]]), np.ones((1, 2)), "expected finite"),
    ],
)
def test_wrong_input_is_refused(prediction, truth, message):
    with pytest.raises(InputError, match=message):
        DepthMetric().update(prediction, truth)


def test_nothing_to_score_is_an_error():
    with pytest.raises(InputError, match="no image with known depth"):
        DepthMetric().result()
