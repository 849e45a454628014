"""Scores of the four tasks, by their official protocols. Needs numpy and scipy, no torch."""

from pag.metrics.boundary import BoundaryMetric as BoundaryMetric
from pag.metrics.boundary import BoundaryResult as BoundaryResult
from pag.metrics.boundary_counts import BoundaryCounts as BoundaryCounts
from pag.metrics.boundary_counts import boundary_thresholds as boundary_thresholds
from pag.metrics.boundary_counts import count_matches as count_matches
from pag.metrics.depth import DepthErrors as DepthErrors
from pag.metrics.depth import DepthMetric as DepthMetric
from pag.metrics.depth import DepthResult as DepthResult
from pag.metrics.normals import NormalsMetric as NormalsMetric
from pag.metrics.normals import NormalsResult as NormalsResult
from pag.metrics.segmentation import SegmentationMetric as SegmentationMetric
from pag.metrics.segmentation import SegmentationResult as SegmentationResult
from pag.metrics.thinning import nonmax_suppress as nonmax_suppress
from pag.metrics.thinning import thin as thin
