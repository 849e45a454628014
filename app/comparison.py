"""How far two passes over one photo agree, and what each cost."""

from __future__ import annotations

from typing import Any

from app.agreement import agreement
from pag import Inference


def compare_summary(a: Inference, b: Inference) -> dict[str, Any]:
    """Agreement of `a` with `b` and their costs, ready for JSON; see `app.agreement`.

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
    found = agreement(a, b)
    measures = {
        "segmentation": found.segmentation and found.segmentation[0],
        "boundary": found.boundary and found.boundary[1],
        "depth": found.depth and found.depth[0],
        "normals": found.normals and found.normals[0],
    }
    shared = {name: value for name, value in measures.items() if value is not None}
    alike = sum(int((x.mask == y.mask).sum()) for x, y in zip(a.gates, b.gates, strict=True))
    shared["gates"] = alike / sum(gate.mask.size for gate in a.gates)
    return {
        "agreement": shared,
        "cost": {
            "macs": a.macs_executed / b.macs_executed,
            "seconds": a.seconds["network"] / max(b.seconds["network"], 1e-9),
        },
    }
