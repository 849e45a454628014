"""The one camera whose metres and directions all data sets give.

Nobody can tell the focal length of a single photograph, and depth in metres is proportional to it.
So all depth and normals are those of one canonical camera; of a known camera the metres follow by
scaling.

Source: Yin et al., "Metric3D", ICCV 2023 (canonical camera space).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pag.data.sample import Sample

FOCAL = 585.0 / 640.0
"""Its focal length, in units of the picture's longer side: that of a Kinect's depth camera."""


def canonical(sample: Sample, focal: float) -> Sample:
    """Depth and normals of a picture taken with a focal length of `focal` pixels."""
    return refocused(sample, focal / (FOCAL * max(sample.size)))


def refocused(sample: Sample, zoom: float) -> Sample:
    """Depth and normals as a camera of focal length f / `zoom` would have to see them.

    A picture taken with focal length f is the same as one taken with f / zoom of a scene
    squeezed along the optical axis: depth is divided by `zoom`, normals become (x, y, zoom*z).
    """
    depth, normals = sample.depth, sample.normals
    if depth is not None:
        depth = (depth / zoom).astype(np.float32)
    if normals is not None:
        normals = normals.copy()
        normals[..., 2] *= np.float32(zoom)
        length = np.sqrt(np.einsum("hwc,hwc->hw", normals, normals))
        normals /= np.maximum(length, np.float32(1e-6))[..., None]  # unknown stays (0, 0, 0)
    return replace(sample, depth=depth, normals=normals)
