import numpy as np
import pytest
from scipy import ndimage

from pag.errors import InputError
from pag.metrics import nonmax_suppress, thin

EIGHT = np.ones((3, 3), dtype=int)
RING = ((0, -1), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1))
WEAKEST = 0.01  # the lowest of the benchmark's thresholds


def ridge(angle, size=61, sigma=2.0):
    """(size, size) Gaussian ridge through the centre; `angle` (degrees) is across it."""
    rows, cols = np.indices((size, size)) - size // 2
    across = cols * np.cos(np.radians(angle)) + rows * np.sin(np.radians(angle))
    return np.exp(-0.5 * (across / sigma) ** 2)


def components(mask, structure=None):
    """Label image and number of connected components."""
    labels = np.empty(mask.shape, dtype=np.int32)
    ndimage.label(mask, structure, output=labels)
    return labels, int(labels.max())


def blobs(seed, shape=(80, 90), smooth=2.0):
    noise = np.random.default_rng(seed).normal(size=shape)
    return ndimage.gaussian_filter(noise, smooth) > 0.02


def thin_by_full_passes(mask):
    """Guo-Hall thinning word for word: every pixel, both half-steps, until nothing changes."""
    image = np.pad(mask, 1)
    while True:
        before = image.copy()
        for half in (0, 1):
            e, ne, n, nw, w, sw, s, se = (np.roll(image, by, axis=(0, 1)) for by in RING)
            crossings = sum(
                (~a & (b | c)).astype(int)
                for a, b, c in ((e, ne, n), (n, nw, w), (w, sw, s), (s, se, e))
            )
            first = sum((a | b).astype(int) for a, b in ((e, ne), (n, nw), (w, sw), (s, se)))
            second = sum((a | b).astype(int) for a, b in ((ne, n), (nw, w), (sw, s), (se, e)))
            pairs = np.minimum(first, second)
            side = ((ne | n | ~se) & e) if half == 0 else ((sw | s | ~nw) & w)
            image = image & ~((crossings == 1) & (pairs >= 2) & (pairs <= 3) & ~side)
        if (image == before).all():
            return image[1:-1, 1:-1]


def test_thin_turns_a_bar_into_a_line():
    mask = np.zeros((11, 30), dtype=bool)
    mask[4:7, 5:25] = True
    thinned = thin(mask)
    assert thinned.sum(axis=0).max() == 1
    assert thinned[5, 8:22].all()
    assert not thinned[:5].any() or not thinned[6:].any()


def test_thin_leaves_lines_and_dots_alone():
    mask = np.eye(12, dtype=bool)
    mask[2, 9] = True
    assert (thin(mask) == mask).all()


@pytest.mark.parametrize("seed", range(4))
def test_thin_keeps_connectivity(seed):
    mask = blobs(seed)
    thinned = thin(mask)
    assert not (thinned & ~mask).any()
    assert thinned.sum() < 0.4 * mask.sum()
    labels, count = components(mask, EIGHT)
    assert components(thinned, EIGHT)[1] == count
    assert set(labels[thinned]) == set(range(1, count + 1))
    # Nor are holes opened or closed: the background stays as connected as it was.
    holes = components(~np.pad(mask, 1))[1]
    assert components(~np.pad(thinned, 1))[1] == holes
    assert (thin(thinned) == thinned).all()


@pytest.mark.parametrize("seed", range(4))
def test_thin_equals_full_passes(seed):
    dense = np.random.default_rng(seed).random((40, 50)) < 0.6
    for mask in (dense, blobs(seed), np.ones((20, 31), dtype=bool)):
        assert (thin(mask) == thin_by_full_passes(mask)).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (0, 4)])
def test_thin_takes_any_size(shape):
    assert thin(np.ones(shape, dtype=bool)).shape == shape
    assert not thin(np.zeros(shape, dtype=bool)).any()


@pytest.mark.parametrize("angle", [0, 90])
def test_nms_makes_a_blurred_straight_ridge_one_pixel_wide(angle):
    suppressed = nonmax_suppress(ridge(angle))
    if angle == 90:
        suppressed = suppressed.T
    inside = suppressed[6:-6]
    assert ((inside >= WEAKEST).sum(axis=1) == 1).all()
    assert (inside.argmax(axis=1) == 30).all()
    assert inside.max() == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("angle", [20, 45, 70, 110, 135, 160])
def test_nms_keeps_a_slanted_ridge_thin_and_unbroken(angle):
    peaks = nonmax_suppress(ridge(angle)) > 0.3
    rows, cols = np.nonzero(peaks) - np.array(30)[None, None]
    across = cols * np.cos(np.radians(angle)) + rows * np.sin(np.radians(angle))
    assert np.abs(across).max() <= 1.0
    assert components(peaks, EIGHT)[1] == 1
    assert peaks[6:-6, 6:-6].sum() > 40


def test_nms_fades_at_the_border_and_is_silent_on_nothing():
    suppressed = nonmax_suppress(ridge(0))
    assert (suppressed[[0, -1]] == 0).all()
    assert suppressed[1, 30] == pytest.approx(suppressed[30, 30] / 5, rel=1e-5)
    assert (nonmax_suppress(np.zeros((20, 30))) == 0).all()


def test_nms_returns_float32_and_leaves_its_argument():
    strength = ridge(0)
    before = strength.copy()
    assert nonmax_suppress(strength).dtype == np.float32
    assert (strength == before).all()


@pytest.mark.parametrize(
    ("strength", "message"),
    [
        (np.ones((4, 4, 3)), r"\(4, 4, 3\); expected \(H, W\)"),
        (np.ones((1, 9)), r"\(1, 9\); expected at least \(2, 2\)"),
        (np.full((4, 4), np.nan), "NaN"),
    ],
)
def test_nms_refuses_what_is_no_strength(strength, message):
    with pytest.raises(InputError, match=message):
        nonmax_suppress(strength)


def test_thin_refuses_what_is_no_mask():
    with pytest.raises(InputError, match=r"\(2, 2, 2\)"):
        thin(np.ones((2, 2, 2), dtype=bool))
