import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching
from scipy.spatial.distance import cdist

from pag.metrics.matching import PixelMatching


def pixels(shape, *positions):
    mask = np.zeros(shape, dtype=bool)
    for position in positions:
        mask[position] = True
    return mask


def matching_of(predicted, truth, radius):
    """A matching of masks in which every predicted pixel is active."""
    matching = PixelMatching(np.flatnonzero(predicted), truth, radius)
    matching.update(np.ones(np.count_nonzero(predicted), dtype=bool))
    return matching


def test_radius_is_euclidean_and_inclusive():
    truth = pixels((9, 9), (4, 4))
    at = [((4, 6), 2.0, 1), ((4, 6), 1.99, 0), ((5, 5), 1.42, 1), ((5, 5), 1.41, 0)]
    for position, radius, expected in at:
        assert matching_of(pixels((9, 9), position), truth, radius).count == expected


def test_pixels_do_not_match_around_the_edge_of_the_map():
    truth = pixels((5, 6), (1, 5), (0, 0))
    assert matching_of(pixels((5, 6), (2, 0), (4, 5)), truth, 1.5).count == 0


def test_a_pair_gives_way_so_that_two_can_match():
    # The predicted pixel at 1 reaches both true ones, at 3 only the one at 2.
    truth = pixels((1, 6), (0, 0), (0, 2))
    matching = PixelMatching(np.array([1, 3]), truth, 1.0)
    for active, expected in (([1, 0], 1), ([1, 1], 2), ([0, 1], 1), ([0, 0], 0), ([1, 1], 2)):
        matching.update(np.array(active, dtype=bool))
        assert matching.count == expected
        assert matching.matched.sum() == expected


def test_the_nearer_of_two_predicted_pixels_is_taken():
    truth = pixels((1, 9), (0, 3))
    matching = PixelMatching(np.array([1, 4]), truth, 3.0)
    matching.update(np.array([True, False]))
    assert matching.matched.tolist() == [True, False]
    matching.update(np.array([True, True]))
    assert matching.matched.tolist() == [False, True]
    matching.update(np.array([True, False]))
    assert matching.matched.tolist() == [True, False]


@pytest.mark.parametrize("seed", range(6))
def test_count_is_the_maximum_however_the_predicted_set_changes(seed):
    rng = np.random.default_rng(seed)
    shape, radius = (26, 30), 2.3
    truth = rng.random(shape) < rng.uniform(0.05, 0.3)
    predicted = np.flatnonzero(rng.random(shape) < rng.uniform(0.1, 0.5))
    near = cdist(np.argwhere(truth), np.stack(np.divmod(predicted, shape[1]), axis=1)) <= radius
    matching = PixelMatching(predicted, truth, radius)
    active = np.zeros(predicted.size, dtype=bool)
    for _ in range(40):
        # Mostly additions, some removals, as when a threshold sinks.
        active = (active & (rng.random(active.size) < 0.9)) | (rng.random(active.size) < 0.08)
        matching.update(active)
        graph = csr_array((near & active).astype(np.int8))
        best = np.count_nonzero(maximum_bipartite_matching(graph, perm_type="column") >= 0)
        assert matching.count == best
        assert matching.matched.sum() == best
        assert not (matching.matched & ~active).any()


def test_nothing_to_match():
    empty = np.zeros((4, 5), dtype=bool)
    assert matching_of(empty, pixels((4, 5), (1, 1)), 2.0).count == 0
    assert matching_of(pixels((4, 5), (1, 1)), empty, 2.0).count == 0
    assert matching_of(empty, empty, 2.0).count == 0
