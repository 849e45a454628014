"""How far two passes over one photo agree, and what each cost."""

from __future__ import annotations

from typing import Any

import numpy as np

from pag import Inference


def compare_summary(a: Inference, b: Inference) -> dict[str, Any]:
    """Agreement of `a` with `b` and their costs, ready for JSON.

    Args:
        a: the pass in question.
        b: the pass that it is measured by, on the same photo at the same working size.

    Returns:
        ``agreement``, with what both records have: ``segmentation`` the share of pixels of one
        class, ``boundary`` the mean absolute difference, ``depth`` the mean of |a - b| / b,
        ``normals`` the mean angle in degrees, ``gates`` the share of decisions alike.
        ``cost`` of `a` relative to `b`: ``macs`` and ``seconds`` (of the network).

    Raises:
        ValueError: the records are of different sizes.
    """
    if a.image.shape != b.image.shape:
        raise ValueError(f"sizes {a.image.shape} and {b.image.shape}; expected the same")
    agreement: dict[str, float] = {}
    if a.segmentation is not None and b.segmentation is not None:
        agreement["segmentation"] = float((a.segmentation == b.segmentation).mean())
    if a.boundary is not None and b.boundary is not None:
        agreement["boundary"] = float(np.abs(a.boundary - b.boundary).mean())
    if a.depth is not None and b.depth is not None:
        agreement["depth"] = float((np.abs(a.depth - b.depth) / np.maximum(b.depth, 1e-3)).mean())
    if a.normals is not None and b.normals is not None:
        cosine = np.clip((a.normals * b.normals).sum(axis=2), -1.0, 1.0)
        agreement["normals"] = float(np.degrees(np.arccos(cosine)).mean())
    alike = sum(int((x.mask == y.mask).sum()) for x, y in zip(a.gates, b.gates, strict=True))
    agreement["gates"] = alike / sum(gate.mask.size for gate in a.gates)
    return {
        "agreement": agreement,
        "cost": {
            "macs": a.macs_executed / b.macs_executed,
            "seconds": a.seconds["network"] / max(b.seconds["network"], 1e-9),
        },
    }
