import pickle

import numpy as np
import pytest

from pag.errors import InputError
from pag.metrics import BoundaryCounts, BoundaryMetric, boundary_thresholds, count_matches

SHAPE = (60, 80)  # diagonal 100, so that max_dist 0.03 is 3 pixels


def line(column, strength=1.0, rows=slice(10, 50)):
    """A vertical boundary of 40 pixels."""
    image = np.zeros(SHAPE)
    image[rows, column] = strength
    return image


def drawn(column):
    return line(column) > 0


def score(*images, thresholds=3, max_dist=0.03, nms=False):
    metric = BoundaryMetric(thresholds, max_dist)
    for strength, annotations in images:
        metric.update(strength, annotations, nms=nms)
    return metric.result()


def counts(matched_truth, truth, matched_prediction, prediction):
    return BoundaryCounts(
        *(np.array(c) for c in (matched_truth, truth, matched_prediction, prediction))
    )


def test_thresholds_are_the_benchmark_s():
    assert boundary_thresholds(99) == pytest.approx(np.linspace(0.01, 0.99, 99))
    assert boundary_thresholds(1).tolist() == [0.5]


def test_perfect_prediction_scores_one():
    result = score((line(40), [drawn(40)]))
    assert result.ods == result.ois == result.ap == 1.0
    assert result.precision.tolist() == result.recall.tolist() == [1.0, 1.0, 1.0]
    assert result.images == 1


@pytest.mark.parametrize(("shift", "expected"), [(1, 1.0), (3, 1.0), (4, 0.0)])
def test_tolerance_is_a_share_of_the_diagonal(shift, expected):
    result = score((line(40 + shift), [drawn(40)]))
    assert result.ods == result.ois == expected


@pytest.mark.parametrize(("shift", "expected"), [(0, 1.0), (4, 1.0), (5, 0.0)])
def test_the_defaults_are_the_official_protocol(shift, expected):
    metric = BoundaryMetric()
    assert metric.thresholds.size == 99 and metric.max_dist == 0.0075
    # A BSDS photograph's diagonal is 578 pixels, so that a match may be 4.3 pixels away.
    strength, truth = np.zeros((321, 481)), np.zeros((321, 481), dtype=bool)
    strength[100:200, 240 + shift] = 1
    truth[100:200, 240] = True
    metric.update(strength, [truth], nms=False)
    assert metric.result().ods == metric.result().ois == expected


def test_two_predictions_near_one_true_pixel_match_only_once():
    strength, truth = np.zeros(SHAPE), np.zeros(SHAPE, dtype=bool)
    strength[20, [30, 33]] = 1
    truth[20, 31] = True
    found = count_matches(strength, [truth], thresholds=1, max_dist=0.03, nms=False)
    assert found.matched_prediction.tolist() == [1]
    assert found.prediction.tolist() == [2]
    assert found.precision.tolist() == [0.5]
    assert found.recall.tolist() == [1.0]


def test_a_doubled_boundary_costs_precision():
    result = score((line(38) + line(42), [drawn(40)]))
    assert result.precision == pytest.approx([0.5] * 3)
    assert result.recall == pytest.approx([1.0] * 3)
    assert result.ods == pytest.approx(2 / 3)


def test_any_annotator_saves_precision_and_all_count_for_recall():
    annotations = [drawn(20), drawn(60), drawn(60)]
    found = count_matches(line(20) + line(40), annotations, 1, 0.03, nms=False)
    # The line at 20 is one annotator's, the one at 40 nobody's, that at 60 is missed twice.
    assert found.precision.tolist() == [0.5]
    assert found.recall.tolist() == [pytest.approx(1 / 3)]
    both = count_matches(line(20) + line(60), annotations, 1, 0.03, nms=False)
    assert both.precision.tolist() == both.recall.tolist() == [1.0]
    assert both.matched_truth.tolist() == [120]
    assert both.matched_prediction.tolist() == [80]


def test_a_predicted_pixel_may_serve_every_annotator():
    found = count_matches(line(40), [drawn(39), drawn(40), drawn(41)], 1, 0.03, nms=False)
    assert found.matched_truth.tolist() == found.truth.tolist() == [120]
    assert found.matched_prediction.tolist() == found.prediction.tolist() == [40]


@pytest.mark.parametrize(
    ("strength", "annotation"),
    [
        (np.zeros(SHAPE), drawn(40)),
        (line(40), np.zeros(SHAPE, dtype=bool)),
        (np.zeros(SHAPE), np.zeros(SHAPE, dtype=bool)),
    ],
    ids=["no prediction", "no truth", "neither"],
)
def test_nothing_predicted_or_nothing_true_scores_zero(strength, annotation):
    result = score((strength, [annotation]))
    assert result.ods == result.ois == result.ap == 0.0


def test_ods_has_one_threshold_and_ois_one_for_every_image():
    result = score(
        (line(20, 0.9) + line(60, 0.6), [drawn(20)]),
        (line(40, 0.3), [drawn(40)]),
    )
    # At 0.25, 0.5, 0.75: 80 of 120 predicted are right, 40 of 80, 40 of 40; found are
    # 80, 40 and 40 of 80.
    assert result.precision == pytest.approx([2 / 3, 1 / 2, 1])
    assert result.recall == pytest.approx([1, 1 / 2, 1 / 2])
    assert result.ods == pytest.approx(0.8)
    assert result.ods_threshold == pytest.approx(0.25)
    assert result.ois == pytest.approx(1.0)


def test_ods_follows_the_curve_between_thresholds():
    metric = BoundaryMetric(thresholds=2)
    metric.add(counts([100, 50], [100, 100], [100, 50], [200, 50]))
    result = metric.result()
    # F is 2/3 at both thresholds; halfway, precision and recall are both 3/4.
    assert result.ods == pytest.approx(0.75, abs=1e-4)
    assert result.ods_threshold == pytest.approx(0.5, abs=0.01)
    assert result.ois == pytest.approx(2 / 3)


def test_ap_is_the_area_under_the_curve_between_the_recalls_reached():
    metric = BoundaryMetric(thresholds=3)
    # Precision 0.5, 1, 1 at recall 1, 0.5, 0: a rectangle of 1/2 and a trapezium of 3/8.
    metric.add(counts([100, 50, 0], [100] * 3, [100, 50, 1], [200, 50, 1]))
    assert metric.result().ap == pytest.approx(0.875, abs=0.01)
    short = BoundaryMetric(thresholds=2)
    short.add(counts([100, 50], [100] * 2, [100, 50], [200, 50]))
    assert short.result().ap == pytest.approx(0.375, abs=0.01)


def test_blurred_boundary_is_thinned_before_it_is_scored():
    across = np.abs(np.arange(SHAPE[1]) - 40)
    strength = np.tile(np.exp(-0.5 * (across / 2.5) ** 2), (SHAPE[0], 1))
    truth = np.zeros(SHAPE, dtype=bool)
    truth[:, 40] = True
    result = score((strength, [truth]), thresholds=9, max_dist=0.01, nms=True)
    assert result.precision[0] == 1.0
    # The border, where strength fades, costs a few pixels of recall.
    assert result.recall[0] > 0.95
    assert result.ods > 0.97


def test_every_threshold_is_thinned_by_itself():
    wide = line(40, 0.9) + line(39, 0.4) + line(41, 0.4)
    found = count_matches(wide, [drawn(40)], thresholds=3, max_dist=0.03, nms=False)
    # Three pixels wide at 0.25, where thinning eats a little of the ends, too.
    assert 36 <= found.prediction[0] <= 40
    assert found.prediction[1:].tolist() == [40, 40]
    assert found.precision.tolist() == [1.0, 1.0, 1.0]


def test_raising_the_threshold_never_adds_matches():
    rng = np.random.default_rng(3)
    truths = [rng.random(SHAPE) < 0.03 for _ in range(3)]
    found = count_matches(rng.random(SHAPE), truths, thresholds=19, max_dist=0.03)
    assert (np.diff(found.prediction) <= 0).all()
    assert (found.matched_prediction <= found.prediction).all()
    assert (found.matched_truth <= found.truth).all()
    assert found.recall[0] > found.recall[-1]


def test_counts_can_come_from_other_processes():
    job = pickle.loads(pickle.dumps((count_matches, line(40), [drawn(41)])))
    found = pickle.loads(pickle.dumps(job[0](*job[1:], thresholds=5, max_dist=0.03, nms=False)))
    metric = BoundaryMetric(5)
    metric.add(found)
    assert metric.result().ods == 1.0


def test_arguments_are_left_alone():
    strength, truth = line(40, 0.7), drawn(41)
    count_matches(strength, [truth], 5)
    assert (strength == line(40, 0.7)).all()
    assert (truth == drawn(41)).all()


@pytest.mark.parametrize(
    ("strength", "annotations", "message"),
    [
        (
            np.zeros((4, 6)),
            [np.zeros((4, 6)), np.zeros((6, 4))],
            r"annotation 2.*\(6, 4\).*\(4, 6\)",
        ),
        (np.zeros((4, 6, 1)), [np.zeros((4, 6))], r"\(4, 6, 1\); expected \(H, W\)"),
        (np.zeros((4, 6)), [], "no annotation"),
        (np.full((4, 6), 255.0), [np.zeros((4, 6))], "from 255 to 255; expected .* 0 to 1"),
        (np.full((4, 6), np.nan), [np.zeros((4, 6))], "expected finite"),
    ],
)
def test_wrong_input_is_refused(strength, annotations, message):
    with pytest.raises(InputError, match=message):
        BoundaryMetric().update(strength, annotations)


def test_wrong_settings_are_refused():
    with pytest.raises(InputError, match="thresholds is 0"):
        BoundaryMetric(thresholds=0)
    with pytest.raises(InputError, match="max_dist is -1"):
        count_matches(line(40), [drawn(40)], max_dist=-1)
    with pytest.raises(InputError, match="for 3 thresholds; expected 99"):
        BoundaryMetric().add(counts([0] * 3, [1] * 3, [0] * 3, [1] * 3))
    with pytest.raises(InputError, match="no image"):
        BoundaryMetric().result()
