"""Losses of the four tasks, and distillation from the full-budget output.

Every loss is a scalar, a mean over the valid pixels, and 0 with a zero gradient where a batch
has none. Labels come as in `pag.data.batch.Batch`, outputs as in `pag.heads.finish`.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from pag.data.batch import Batch
from pag.data.sample import IGNORE
from pag.heads import SKY_METRES
from pag.sparse import as_rows

BOUNDARY_CONSENSUS = 0.3
"""Pixels marked by fewer annotators than this, but by some, are neither boundary nor not."""
WITHOUT_OUTLINES = 0.02
"""Weight of what is no boundary in an image without any, where their share would be none."""

SKY_RIM = 4
"""Pixels of outputs from all else on that sky counts as such."""
GRADIENT_WEIGHTS = {1: 1.0, 4: 0.5, 16: 0.5}
"""Of the gradients of log-depth, by how many pixels the two points are apart."""

NORMALS_EPS = 1e-3
"""Radians below which an error's gradient fades, so that it is finite at zero."""


def masked_mean(values: Tensor, valid: Tensor) -> Tensor:
    """Mean of `values` where `valid`; 0 where nothing is."""
    valid = valid.to(values.dtype)
    return (values * valid).sum() / valid.sum().clamp_min(1)


def segmentation_loss(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy, (B, C, H, W) logits against (B, H, W) ids, weighted by class (C,)."""
    labels = labels.flatten()
    pixel = F.cross_entropy(as_rows(logits), labels, weights, ignore_index=IGNORE, reduction="none")
    return masked_mean(pixel, labels != IGNORE)


def boundary_loss(logits: Tensor, share: Tensor) -> Tensor:
    """Cross-entropy balanced between boundary and other pixels, image by image.

    The mean is over the images with boundaries; what the others weigh comes on top.

    Source: Xie and Tu, "Holistically-nested edge detection", ICCV 2015, equation 2; the
    consensus rule is that of Liu et al., "Richer convolutional features", CVPR 2017.

    Args:
        logits: (B, 1, H, W).
        share: (B, H, W), share of annotators that marked the pixel, negative = ignore.
    """
    positive = (share >= BOUNDARY_CONSENSUS).float()
    negative = (share == 0).float()
    positives = positive.sum((1, 2), keepdim=True)
    negatives = negative.sum((1, 2), keepdim=True)
    total = (positives + negatives).clamp_min(1)
    outlined = (positives > 0).float()
    balance = outlined * positives / total + (1 - outlined) * WITHOUT_OUTLINES
    weight = positive * negatives / total + 1.1 * negative * balance
    pixel = F.binary_cross_entropy_with_logits(logits.squeeze(1), positive, reduction="none")
    labelled = outlined.sum().clamp_min(1) * logits[0, 0].numel()
    # Times ten: both classes together weigh about 2 * share of boundary pixels, a few percent.
    return 10 * (pixel * weight).sum() / labelled


def depth_loss(log_depth: Tensor, depth: Tensor) -> Tensor:
    """Absolute difference of log-depth, plus that of its gradients.

    Between neighbours they keep edges sharp, between pixels farther apart they keep surfaces
    even. Source: Li and Snavely, "MegaDepth", CVPR 2018 (multi-scale gradient matching).

    Args:
        log_depth: (B, 1, H, W) predicted log-metres.
        depth: (B, H, W) metres, 0 = invalid.
    """
    valid = depth > 0
    error = log_depth.squeeze(1) - torch.log(depth.clamp_min(1e-3))
    loss = masked_mean(error.abs(), valid)
    for apart, weight in GRADIENT_WEIGHTS.items():
        for axis in (1, 2):
            count = error.shape[axis] - apart
            if count > 0:
                change = error.narrow(axis, apart, count) - error.narrow(axis, 0, count)
                both = valid.narrow(axis, apart, count) & valid.narrow(axis, 0, count)
                loss = loss + weight * masked_mean(change.abs(), both)
    return loss


def sky_loss(log_depth: Tensor, sky: Tensor) -> Tensor:
    """By how much the sky lies nearer than `SKY_METRES`, in log-depth; 0 elsewhere.

    No data set says how far it is, so that left alone a network says anything there. Its rim has
    no say: an output covers several pixels, and what stands before the sky would be drawn away
    with it. The mean is over all pixels, so that a little sky counts little.

    Args:
        log_depth: (B, 1, H, W) predicted log-metres.
        sky: (B, H, W) bool, where it is.
    """
    else_near = F.max_pool2d((~sky)[:, None].float(), 2 * SKY_RIM + 1, 1, SKY_RIM)
    nearer = F.relu(math.log(SKY_METRES) - log_depth)
    return torch.where(else_near > 0, 0, nearer).mean()


def normals_loss(normals: Tensor, truth: Tensor) -> Tensor:
    """Distance between unit vectors; (B, 3, H, W) each, a truth of length 0 is invalid.

    Nearly the angle, in radians. One minus the cosine is half its square, and all but ignores
    errors of a few degrees.
    """
    valid = truth.abs().sum(1) > 0.5
    squared = (normals - truth).square().sum(1)
    return masked_mean(torch.sqrt(squared + NORMALS_EPS**2) - NORMALS_EPS, valid)


def task_losses(
    outputs: dict[str, Tensor], batch: Batch, weights: Tensor, sky: int | None = None
) -> dict[str, Tensor]:
    """The loss of each task present in `outputs`.

    Args:
        outputs: of the heads.
        batch: labels of the same images.
        weights: of the classes, (C,).
        sky: id of that class, if the network knows it.
    """

    def depth(output: Tensor) -> Tensor:
        loss = depth_loss(output, batch.depth)
        return loss if sky is None else loss + sky_loss(output, batch.segmentation == sky)

    compute = {
        "segmentation": lambda o: segmentation_loss(o, batch.segmentation, weights),
        "boundary": lambda o: boundary_loss(o, batch.boundary),
        "depth": depth,
        "normals": lambda o: normals_loss(o, batch.normals),
    }
    return {task: compute[task](output) for task, output in outputs.items()}


def choice_loss(scores: Tensor, information: float) -> Tensor:
    """By how many nats MultiPool's choices tell less about the pixel than they should.

    Left alone, one pooling field soon wins everywhere: it is drawn most, so that it is trained
    most. What counts is the mutual information of pixel and choice, the entropy of the mean
    distribution less the mean entropy: it is high where each pixel is decided and they differ.
    Where it is enough, the loss is 0, and which pixel takes which field is left to the tasks.

    Source: Bridle et al., "Unsupervised classifiers, mutual information and phantom targets",
    NIPS 1991, for that measure of a decided and varied choice.

    Args:
        scores: (B, D, h, w) of the D pooling fields.
        information: wanted, nats; at most log(D).
    """
    log_p = as_rows(F.log_softmax(scores, 1))
    mean = log_p.exp().mean(0)
    varied = -(mean * torch.log(mean.clamp_min(1e-12))).sum()
    undecided = -(log_p.exp() * log_p).sum(1).mean()
    return F.relu(information - (varied - undecided))


def distillation_losses(
    student: dict[str, Tensor], teacher: dict[str, Tensor], outlined: Tensor | None = None
) -> dict[str, Tensor]:
    """How far outputs are from those of a teacher, task by task.

    The teacher is the same network at full budget, or another network. All of every image
    counts, labelled or not. The teacher gets no gradient.

    Source: Yu and Huang, "Universally slimmable networks", ICCV 2019 (in-place distillation).

    Args:
        student, teacher: outputs by task, of the same B images.
        outlined: (B,) bool, the images whose boundaries count; all when None.
    """
    target = {task: output.detach() for task, output in teacher.items()}
    losses = {}
    if "segmentation" in student:
        log_p = F.log_softmax(as_rows(student["segmentation"]), 1)
        log_t = F.log_softmax(as_rows(target["segmentation"]), 1)
        losses["segmentation"] = (log_t.exp() * (log_t - log_p)).sum(1).mean()
    if "boundary" in student:
        p = torch.sigmoid(target["boundary"])
        soft = F.binary_cross_entropy_with_logits(student["boundary"], p, reduction="none")
        entropy = F.binary_cross_entropy(p, p, reduction="none")
        counts = torch.ones(len(p)).to(p) if outlined is None else outlined.to(p)
        # Times four: most pixels are surely no boundary and weigh the mean down.
        losses["boundary"] = 4 * masked_mean((soft - entropy).mean((1, 2, 3)), counts)
    if "depth" in student:
        # Gently: the plain absolute difference outweighed every supervised loss in the trunk.
        difference = F.smooth_l1_loss(student["depth"], target["depth"], beta=0.1)
        losses["depth"] = difference / 2
    if "normals" in student:
        losses["normals"] = (1 - (student["normals"] * target["normals"]).sum(1)).mean()
    return losses
