"""Classes and rough depths written by hand for regions of BSDS500 photographs.

BSDS500 comes with regions that people outlined, without a word of what they are. A file of
ours says so for some of them: a class, and a distance estimated from the apparent size of
known things, as if the camera were the canonical one (`pag.data.canonical`). Depths
are right within a factor of about 1.5, flat where a thing stands, a plane where ground
recedes. They teach, and show whether ordinary photographs are understood at all; for figures of
precision they are too rough.

The file is JSON, for each photograph which annotator's regions are meant (index into the
``.mat`` file's cells) and what is known of them::

    {"100075": {"annotator": 2, "regions": [
        {"ids": [1, 9], "class": "tree", "depth": [3, 40]}, ...]}}

One depth is of the whole region; two are of its lowest and of its topmost row, in metres.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pag.data.canonical import FOCAL
from pag.data.sample import IGNORE, class_id
from pag.errors import InputError


@dataclass(frozen=True)
class LabelledRegions:
    """Regions of one photograph of which the same is known.

    Attributes:
        ids: of the annotator's segmentation.
        class_id: into `pag.data.sample.CLASSES`, or `IGNORE`.
        depth: metres: none, one, or those of the lowest and the topmost row.
    """

    ids: tuple[int, ...]
    class_id: int
    depth: tuple[float, ...]


@dataclass(frozen=True)
class PhotographLabels:
    """What is known of one photograph: whose regions, and about which of them what."""

    annotator: int
    regions: tuple[LabelledRegions, ...]

    def maps(self, outlined: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Class ids, depth and normals as a `pag.data.Sample` has them.

        Args:
            outlined: (H, W) region ids of the annotator.
        """
        height, width = outlined.shape
        segmentation = np.full(outlined.shape, IGNORE, dtype=np.uint8)
        depth = np.zeros(outlined.shape, dtype=np.float32)
        normals = np.zeros((*outlined.shape, 3), dtype=np.float32)
        y = (np.arange(height) + 0.5 - height / 2) / (FOCAL * max(height, width))
        for known in self.regions:
            inside = np.isin(outlined, known.ids)
            rows = np.flatnonzero(inside.any(1))
            if len(rows) == 0:
                continue
            segmentation[inside] = known.class_id
            if not known.depth:
                continue
            # The inverse depth of a plane is linear in the picture: 1/z = slope * y + offset.
            near, far = 1 / known.depth[0], 1 / known.depth[-1]
            slope = (near - far) / max(y[rows[-1]] - y[rows[0]], 1e-6)
            offset = near - slope * y[rows[-1]]
            inverse = np.clip(slope * y + offset, min(near, far), max(near, far))
            depth[inside] = np.broadcast_to(1 / inverse[:, None], inside.shape)[inside]
            if near != far:
                normal = -np.array([0.0, slope, offset])
                normals[inside] = normal / np.linalg.norm(normal)
        return segmentation, depth, normals


def read_hand_labels(path: str | Path) -> dict[str, PhotographLabels]:
    """Read a file of hand labels; keys are the photographs' names.

    Raises:
        InputError: it is not there, or not such a file.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {name: _photograph(entry) for name, entry in content.items()}
    except FileNotFoundError as error:
        raise InputError(f"{path.name} is not there, expected a file of hand labels") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path.name} is no file of hand labels: {error}; see pag.data.hand_labels"
        ) from error


def _photograph(entry: dict) -> PhotographLabels:
    return PhotographLabels(
        annotator=int(entry["annotator"]), regions=tuple(map(_regions, entry["regions"]))
    )


def _regions(entry: dict) -> LabelledRegions:
    depth = tuple(float(metres) for metres in entry.get("depth", ()))
    if len(depth) > 2 or not all(0 < metres < float("inf") for metres in depth):
        raise ValueError(f"depth {list(depth)}, expected one or two positive numbers of metres")
    ids = tuple(int(i) for i in entry["ids"])
    return LabelledRegions(ids, class_id(entry.get("class")), depth)
