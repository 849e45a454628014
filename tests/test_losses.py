"""Losses: zero when right, blind to unlabelled pixels, finite where there is no label."""

from __future__ import annotations

import math
from dataclasses import fields

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pag.data.batch import Batch
from pag.data.sample import IGNORE
from pag.data.scenes import UNDECIDED
from pag.heads import SKY_METRES
from pag.inference import TASKS
from pag.losses import (
    SKY_RIM,
    WITHOUT_OUTLINES,
    boundary_loss,
    choice_loss,
    depth_loss,
    distillation_losses,
    masked_mean,
    normals_loss,
    segmentation_loss,
    sky_loss,
    task_losses,
)

B, C, H, W = 2, 4, 9, 11
WEIGHTS = torch.ones(C)


def outputs(seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    channels = {"segmentation": C, "boundary": 1, "depth": 1, "normals": 3}
    raw = {t: torch.randn(B, n, H, W, generator=generator) for t, n in channels.items()}
    raw["normals"] = F.normalize(raw["normals"], dim=1)
    return {task: output.requires_grad_() for task, output in raw.items()}


def labels(seed: int = 1) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    return Batch(
        image=torch.zeros(B, 3, H, W),
        segmentation=torch.randint(0, C, (B, H, W), generator=generator),
        boundary=(torch.rand(B, H, W, generator=generator) < 0.2).float(),
        depth=torch.rand(B, H, W, generator=generator) * 4 + 0.5,
        normals=F.normalize(torch.randn(B, 3, H, W, generator=generator), dim=1),
    )


def unlabelled() -> Batch:
    return Batch(
        image=torch.zeros(B, 3, H, W),
        segmentation=torch.full((B, H, W), IGNORE),
        boundary=torch.full((B, H, W), -1.0),
        depth=torch.zeros(B, H, W),
        normals=torch.zeros(B, 3, H, W),
    )


def perfect(batch: Batch) -> dict[str, Tensor]:
    return {
        "segmentation": 30.0 * F.one_hot(batch.segmentation, C).permute(0, 3, 1, 2),
        "boundary": (60 * batch.boundary - 30)[:, None],
        "depth": torch.log(batch.depth)[:, None],
        "normals": batch.normals.clone(),
    }


def test_right_answers_cost_nearly_nothing_and_others_more() -> None:
    batch = labels()
    right = task_losses(perfect(batch), batch, WEIGHTS)
    wrong = task_losses(outputs(), batch, WEIGHTS)
    assert set(right) == set(TASKS)
    for task in TASKS:
        assert float(right[task].detach()) == pytest.approx(0, abs=1e-5)
        assert float(wrong[task].detach()) > 0.1


def test_only_the_tasks_given_are_scored() -> None:
    assert set(task_losses({"depth": outputs()["depth"]}, labels(), WEIGHTS)) == {"depth"}


def test_unlabelled_pixels_have_no_say() -> None:
    batch = labels()
    hidden = torch.zeros(B, H, W, dtype=torch.bool)
    hidden[:, 2:5, 3:7] = True
    batch.segmentation[hidden] = IGNORE
    batch.boundary[hidden] = -1
    batch.depth[hidden] = 0
    batch.normals[:, :, 2:5, 3:7] = 0
    prediction = outputs()
    losses = task_losses(prediction, batch, WEIGHTS)
    changed = {t: torch.where(hidden[:, None], o.detach() + 3, o) for t, o in prediction.items()}
    again = task_losses(changed, batch, WEIGHTS)
    for task in TASKS:
        assert torch.allclose(losses[task], again[task])
        losses[task].backward()
        gradient = prediction[task].grad
        assert gradient is not None
        moved = gradient.abs().amax(1) > 0
        assert not moved[hidden].any() and moved[~hidden].any()


def test_a_batch_without_labels_costs_nothing_and_has_a_zero_gradient() -> None:
    prediction = outputs()
    for task, loss in task_losses(prediction, unlabelled(), WEIGHTS).items():
        assert loss.item() == 0
        loss.backward()
        gradient = prediction[task].grad
        assert gradient is not None and (gradient == 0).all()


def test_an_unlabelled_image_does_not_dilute_the_other() -> None:
    batch, nothing = labels(), unlabelled()
    prediction = {t: o.detach() for t, o in outputs().items()}
    for task in TASKS:
        getattr(batch, task)[1] = getattr(nothing, task)[1]
    both = task_losses(prediction, batch, WEIGHTS)
    first = Batch(**{f.name: getattr(batch, f.name)[:1] for f in fields(batch)})
    alone = task_losses({t: o[:1] for t, o in prediction.items()}, first, WEIGHTS)
    for task in TASKS:
        assert torch.allclose(both[task], alone[task])


def test_segmentation_by_hand() -> None:
    logits = torch.zeros(1, 2, 1, 2)
    logits[0, 0, 0, 0] = math.log(3)  # probabilities 3/4 and 1/4
    truth = torch.tensor([[[0, 1]]])
    loss = segmentation_loss(logits, truth, torch.tensor([1.0, 4.0]))
    assert float(loss) == pytest.approx((-math.log(0.75) + 4 * math.log(2)) / 2)


def test_boundary_balances_both_kinds_of_pixels_and_skips_doubtful_ones() -> None:
    share = torch.tensor(
        [[[1.0, 0.3, 0.1, 0.0, 0.0, 0.0]]]
    )  # two boundary, one doubtful, three not
    logits = torch.zeros(1, 1, 1, 6)
    positive, negative = 3 / 5, 1.1 * 2 / 5
    expected = 10 * math.log(2) * (2 * positive + 3 * negative) / 6
    assert float(boundary_loss(logits, share)) == pytest.approx(expected, rel=1e-5)
    logits[0, 0, 0, 2] = 50.0
    assert float(boundary_loss(logits, share)) == pytest.approx(expected, rel=1e-5)


def test_what_scenes_leave_undecided_weighs_nothing() -> None:
    share = torch.full((1, 1, 4), UNDECIDED)
    assert float(boundary_loss(torch.randn(1, 1, 1, 4), share)) == 0


def test_an_image_without_boundaries_weighs_on_top_of_those_with_some() -> None:
    outlined = torch.tensor([[[1.0, 0.0, 0.0, 0.0]]])
    empty = torch.tensor([[[0.0, 0.0, 0.15, 0.15]]])  # two that are none, two doubtful ones
    logits = torch.zeros(2, 1, 1, 4)
    alone = float(boundary_loss(logits[:1], outlined))
    both = float(boundary_loss(logits, torch.cat([outlined, empty])))
    added = 10 * math.log(2) * 2 * 1.1 * WITHOUT_OUTLINES / 4
    assert both == pytest.approx(alone + added, rel=1e-5)
    assert float(boundary_loss(logits[1:], empty)) == pytest.approx(added, rel=1e-5)


def test_depth_by_hand() -> None:
    depth = torch.tensor([[[1.0, 2.0, 0.0, 4.0]]])
    log_depth = torch.log(torch.tensor([[[[1.0, 4.0, 9.0, 4.0]]]]))
    # Log errors 0, log 2, -, 0; one valid pair of neighbours, which differ by log 2.
    assert float(depth_loss(log_depth, depth)) == pytest.approx(math.log(2) / 3 + math.log(2))
    # Pixels four apart count half, and so do pixels farther apart than that.
    even, slanted = torch.ones(1, 1, 6), torch.arange(6.0).view(1, 1, 1, 6)
    assert float(depth_loss(slanted, even)) == pytest.approx(2.5 + 1 + 0.5 * 4)
    # A wrong scale costs its logarithm and no gradient term.
    right = torch.log(depth.clamp_min(1))[:, None]
    assert float(depth_loss(right + 0.5, depth)) == pytest.approx(0.5)


def test_only_a_sky_that_is_near_costs_anything() -> None:
    far = math.log(SKY_METRES)
    log_depth = torch.tensor([[far - 1, far + 1, far]]).view(1, 1, 1, 3).requires_grad_()
    loss = sky_loss(log_depth, torch.ones(1, 1, 3, dtype=torch.bool))
    assert loss.item() == pytest.approx(1 / 3)
    loss.backward()
    assert log_depth.grad is not None
    assert log_depth.grad.flatten().tolist() == pytest.approx([-1 / 3, 0, 0])


def test_the_rim_of_the_sky_has_no_say() -> None:
    sky = torch.ones(1, 20, 30, dtype=torch.bool)
    sky[0, :, 15] = False  # something thin stands before it
    near = (math.log(SKY_METRES) - 1) * torch.ones(1, 1, 20, 30)
    apart = (torch.arange(30) - 15).abs() > SKY_RIM
    assert sky_loss(near, sky).item() == pytest.approx(apart.float().mean().item())
    assert sky_loss(near, ~sky).item() == 0


def test_depth_learns_the_sky_only_where_the_class_is_known() -> None:
    batch, prediction = labels(), {"depth": outputs()["depth"].detach()}
    plain = task_losses(prediction, batch, WEIGHTS)["depth"]
    assert task_losses(prediction, batch, WEIGHTS, sky=C)["depth"] == plain
    batch.segmentation[0] = 1
    raised = task_losses(prediction, batch, WEIGHTS, sky=1)["depth"]
    assert raised == pytest.approx(plain + sky_loss(prediction["depth"], batch.segmentation == 1))
    assert raised > plain


def test_normals_by_hand() -> None:
    truth = torch.tensor([[0.0, 0, -1], [1, 0, 0], [0, 0, 0]]).T.view(1, 3, 1, 3)
    seen = torch.tensor([[0.0, 0, -1], [0, 1, 0], [0, 1, 0]]).T.view(1, 3, 1, 3)
    assert float(normals_loss(seen, truth)) == pytest.approx(2**0.5 / 2, abs=1e-3)
    assert float(normals_loss(-truth, truth)) == pytest.approx(2, abs=1e-3)


def test_small_errors_of_normals_count_by_their_angle() -> None:
    angle = torch.tensor(0.05)
    truth = torch.tensor([0.0, 0, -1]).view(1, 3, 1, 1)
    seen = torch.stack([torch.sin(angle), torch.zeros(()), -torch.cos(angle)]).view(1, 3, 1, 1)
    assert float(normals_loss(seen, truth)) == pytest.approx(float(angle), rel=0.03)
    same = truth.clone().requires_grad_()
    normals_loss(same, truth).backward()
    assert same.grad is not None and torch.isfinite(same.grad).all()


def test_masked_mean() -> None:
    values = torch.tensor([1.0, 2.0, 30.0])
    assert float(masked_mean(values, torch.tensor([True, True, False]))) == 1.5
    assert float(masked_mean(values, torch.zeros(3, dtype=torch.bool))) == 0


def test_distillation_is_zero_for_equal_outputs_and_teaches_only_the_student() -> None:
    teacher, same = outputs(0), outputs(0)
    for task, loss in distillation_losses(same, teacher).items():
        assert loss.item() == pytest.approx(0, abs=1e-6)
        loss.backward()
        gradient = same[task].grad
        assert gradient is not None and gradient.isfinite().all()
    student = outputs(1)
    losses = distillation_losses(student, teacher)
    assert set(losses) == set(TASKS)
    for task, loss in losses.items():
        assert loss.item() > 0.01
        loss.backward()
        gradient = student[task].grad
        assert teacher[task].grad is None
        assert gradient is not None and (gradient != 0).any()


def test_distillation_is_finite_for_a_teacher_that_is_sure() -> None:
    teacher = {t: o.detach() * 200 for t, o in outputs(0).items()}
    student = outputs(1)
    for task, loss in distillation_losses(student, teacher).items():
        loss.backward()
        gradient = student[task].grad
        assert loss.isfinite() and gradient is not None and gradient.isfinite().all()


def test_boundaries_are_taught_by_the_images_asked_for() -> None:
    teacher, student = outputs(0), outputs(1)
    both = distillation_losses(student, teacher)
    first = distillation_losses(student, teacher, torch.tensor([True, False]))
    alone = distillation_losses(
        {t: o[:1] for t, o in student.items()}, {t: o[:1] for t, o in teacher.items()}
    )
    assert first["boundary"].item() == pytest.approx(alone["boundary"].item(), rel=1e-5)
    assert first["boundary"].item() != pytest.approx(both["boundary"].item(), rel=1e-3)
    assert all(torch.equal(first[t], both[t]) for t in TASKS if t != "boundary")
    none = distillation_losses(student, teacher, torch.tensor([False, False]))
    assert none["boundary"].item() == 0


def test_choices_are_informative_where_each_is_decided_and_they_differ() -> None:
    surely = 40.0
    halves = torch.zeros(1, 2, 2, 3)
    halves[:, 0, 0], halves[:, 1, 1] = surely, surely
    alike, undecided = torch.zeros(1, 2, 2, 3), torch.zeros(1, 2, 2, 3)
    alike[:, 0] = surely
    for scores, told in ((halves, math.log(2)), (alike, 0.0), (undecided, 0.0)):
        assert choice_loss(scores, 0.9).item() == pytest.approx(0.9 - told, abs=1e-5)
    assert choice_loss(halves, 0.5) == 0, "enough is enough"


def test_choices_learn_to_differ() -> None:
    torch.manual_seed(0)
    scores = (0.1 * torch.randn(1, 4, 8, 8)).requires_grad_()
    before = choice_loss(scores, 1.0)
    (slope,) = torch.autograd.grad(before, scores)
    assert slope.isfinite().all()
    assert choice_loss(scores - 100 * slope, 1.0) < before
