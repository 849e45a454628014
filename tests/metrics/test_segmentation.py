import numpy as np
import pytest

from pag.errors import InputError
from pag.metrics import SegmentationMetric

CLASSES = ("road", "tree", "sky")


def test_perfect_prediction_scores_one():
    metric = SegmentationMetric(CLASSES)
    truth = np.array([[0, 1], [2, 1]])
    metric.update(truth, truth)
    result = metric.result()
    assert result.miou == result.pixel_accuracy == result.mean_accuracy == 1.0
    assert result.iou == {"road": 1.0, "tree": 1.0, "sky": 1.0}


def test_two_by_two_by_hand():
    metric = SegmentationMetric(CLASSES)
    metric.update(np.array([[0, 1], [1, 1]]), np.array([[0, 0], [1, 1]]))
    result = metric.result()
    # Road: 1 of the 2 seen; tree: 2 found and 1 too many. Sky is not there at all.
    assert result.iou == {"road": pytest.approx(1 / 2), "tree": pytest.approx(2 / 3)}
    assert result.miou == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert result.pixel_accuracy == pytest.approx(3 / 4)
    assert result.mean_accuracy == pytest.approx((1 / 2 + 1) / 2)
    assert result.pixels == 4


def test_predicting_an_absent_class_only_costs_the_one_it_covers():
    metric = SegmentationMetric(CLASSES)
    metric.update(np.array([[0, 2]]), np.array([[0, 0]]))
    assert metric.result().iou == {"road": 0.5}


def test_counts_are_summed_over_the_data_set_before_dividing():
    metric = SegmentationMetric(CLASSES)
    metric.update(np.zeros((1, 8), int), np.zeros((1, 8), int))
    metric.update(np.ones((1, 2), int), np.zeros((1, 2), int))
    # The mean of the two images' IoU would be 0.5.
    result = metric.result()
    assert result.miou == result.pixel_accuracy == pytest.approx(8 / 10)
    assert result.pixels == 10


@pytest.mark.parametrize("ignore", [255, 11])
def test_ignored_pixels_do_not_count(ignore):
    metric = SegmentationMetric(CLASSES, ignore=ignore)
    prediction = np.array([[0, 200], [1, 2]], dtype=np.uint8)
    metric.update(prediction, np.array([[0, ignore], [1, ignore]], dtype=np.uint8))
    assert metric.result().miou == 1.0
    assert metric.result().pixels == 2


@pytest.mark.parametrize(
    ("prediction", "truth", "message"),
    [
        (np.zeros((2, 3), int), np.zeros((3, 2), int), r"\(2, 3\).*\(3, 2\)"),
        (np.zeros((1, 2, 3), int), np.zeros((1, 2, 3), int), r"expected \(H, W\)"),
        (np.full((2, 2), 3), np.zeros((2, 2), int), "prediction ids.*3.*expected 0 to 2"),
        (np.zeros((2, 2), int), np.full((2, 2), -1), "truth ids.*-1"),
        (np.zeros((2, 2)), np.zeros((2, 2), int), "float64; expected integers"),
    ],
)
def test_wrong_input_is_refused(prediction, truth, message):
    with pytest.raises(InputError, match=message):
        SegmentationMetric(CLASSES).update(prediction, truth)


def test_nothing_to_score_is_an_error():
    metric = SegmentationMetric(CLASSES)
    metric.update(np.zeros((2, 2), int), np.full((2, 2), 255))
    with pytest.raises(InputError, match="no labelled pixel"):
        metric.result()


@pytest.mark.parametrize("classes", [(), ("road", "road")])
def test_class_names_must_be_different(classes):
    with pytest.raises(InputError, match="expected different names"):
        SegmentationMetric(classes)
