"""One optimisation step after the other: network, optimiser, running mean, saved state."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from pag.budget import GatePolicy
from pag.config import TrainConfig
from pag.data.batch import Batch, thinned, twice
from pag.device import multiplies_bfloat16
from pag.errors import InputError, WeightsError
from pag.inference import TASKS
from pag.losses import (
    BOUNDARY_CONSENSUS,
    choice_loss,
    distillation_losses,
    task_losses,
)
from pag.network import PAGNet, Sampling, Trace, fuse_batchnorm
from pag.pretrained import frozen_norms
from pag.relaxation import (
    RankedPolicy,
    StochasticPolicy,
    budget_loss,
    layer_budget_loss,
    layer_shares,
)
from pag.training_state import TrainingState, read_state

EVERY = 2
"""All losses but that of boundaries look at one pixel of every square of this side: the heads
give stride 4 or 2, between which outputs are interpolated anyway."""


class Trainer:
    """Network, optimiser and running mean of one run.

    Args:
        net: the network to train, on the device to train on.
        config: of the run.
        class_weights: (classes,) float, for the segmentation loss.
        teacher: a trained network of the same classes, whose outputs are learned as well.

    Raises:
        InputError: what is to learn alone (`TrainConfig.only`) is no part of the network.
        WeightsError: the teacher knows other classes.
    """

    def __init__(
        self,
        net: PAGNet,
        config: TrainConfig,
        class_weights: Tensor,
        teacher: PAGNet | None = None,
    ) -> None:
        self.net, self.config = net, config
        self.device = next(net.parameters()).device
        self.mixed = multiplies_bfloat16(self.device)
        self.class_weights = class_weights.to(self.device)
        self.step = 0
        self.levels = nn.Parameter(torch.zeros(len(net.gates)), requires_grad=not config.only)
        norms = frozen_norms(net.backbone)
        if config.only:
            norms += held(net, config.only)
        self.frozen = set(map(id, norms))
        self.names, groups = parameter_groups(net, self.levels, config)
        self.optimizer = torch.optim.AdamW(groups, weight_decay=config.weight_decay, fused=True)
        self.mean = {k: v.detach().clone() for k, v in net.state_dict().items()}
        self.teacher = None
        if teacher is not None:
            check_teacher(teacher, net)
            self.teacher = fuse_batchnorm(copy.deepcopy(teacher)).to(self.device)

    @torch.no_grad()
    def set_levels(self, levels: Tensor) -> None:
        """Begin with these levels of the layers, (L,), within the limit."""
        self.levels.copy_(levels).clamp_(-self.config.level_limit, self.config.level_limit)

    def update(self, batch: Batch) -> dict[str, float]:
        """One optimisation step; returns the losses, the budget drawn and the one used."""
        config, step = self.config, self.step
        self._set_modes(step)
        factor = config.learning_rate(step)
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        batch = batch.to(self.device)
        self.optimizer.zero_grad(set_to_none=True)
        loss, report = self._loss(batch, step)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.net.parameters(), config.clip)
        # All numbers at once: for each that is looked at alone, a GPU is waited for.
        report |= {"loss": loss.detach(), "gradient": norm}
        values = torch.stack([value.double().to(norm.device) for value in report.values()])
        found = dict(zip(report, values.tolist(), strict=True))
        # A loss of NaN may well have a finite gradient: the sign of NaN counts as 0.
        if not (math.isfinite(found["gradient"]) and math.isfinite(found["loss"])):
            raise WeightsError(f"training diverged at step {step}: not finite")
        self.optimizer.step()
        with torch.no_grad():
            self.levels.clamp_(-config.level_limit, config.level_limit)
        self._update_mean()
        self.step += 1
        return {**found, "lr": factor}

    def _loss(self, batch: Batch, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        config = self.config
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        temperature = config.temperature_at(step)
        policy = self._policy(step, generator)
        sampling = Sampling(temperature, generator)
        learning = step >= config.open_steps
        image = batch.image.contiguous(memory_format=torch.channels_last)
        count = len(image)
        told = self._told(image)
        drawn: list[float] = []
        budget = image.new_full((count,), 1.0)
        if learning:
            # Every photograph twice: at full budget, teaching, and at a drawn one.
            image = torch.cat([image, image])
            drawn = self._draw_budgets(step, generator, image.shape[-2:])
            shares = [len(part) for part in torch.arange(count).tensor_split(len(drawn))]
            dealt = torch.tensor(drawn).repeat_interleave(torch.tensor(shares))
            budget = torch.cat([budget, dealt.to(budget)])
            batch = twice(batch)
        with torch.autocast(self.device.type, torch.bfloat16, self.mixed):
            outputs, trace = self.net(image, budget, policy, sampling=sampling, every=EVERY)
        batch = thinned(batch, EVERY, generator)
        losses = task_losses(outputs, batch, self.class_weights, self.net.sky)
        weights = dict(zip(TASKS, config.weight_tasks, strict=True))
        total = sum((weights[t] * losses[t] for t in TASKS), start=budget.new_zeros(()))
        report = {t: losses[t].detach() for t in TASKS}
        if config.weight_fields > 0:
            assert trace.pool_scores is not None
            fields = choice_loss(trace.pool_scores, config.field_information)
            total = total + config.weight_fields * fields
            report["fields"] = fields.detach()
        if told is not None:
            if learning:
                told = {t: torch.cat([o, o]) for t, o in told.items()}
            # Where people drew no boundaries, the teacher learned none and says anything.
            outlined = (batch.boundary >= BOUNDARY_CONSENSUS).flatten(1).any(1)
            taught = distillation_losses(outputs, told, outlined)
            total = total + config.weight_teacher * sum(weights[t] * taught[t] for t in TASKS)
            report |= {f"taught_{t}": v.detach() for t, v in taught.items()}
        if learning:
            halves = {t: o.split(count) for t, o in outputs.items()}
            full = {t: half[0] for t, half in halves.items()}
            lower = {t: half[1] for t, half in halves.items()}
            distilled = distillation_losses(lower, full)
            pull = self._pull(trace, count, drawn, shares)
            total = total + config.weight_budget * pull
            total = total + config.weight_distillation * sum(
                weights[t] * distilled[t] for t in TASKS
            )
            used = (trace.macs_executed[count:] / trace.macs_dense[count:]).mean()
            report |= {f"distil_{t}": v.detach() for t, v in distilled.items()}
            report |= {"budget": dealt.mean(), "used": used.detach(), "budget_loss": pull.detach()}
        return total.float(), report

    def _told(self, image: Tensor) -> dict[str, Tensor] | None:
        """What the teacher says at full budget, or None without one."""
        if self.teacher is None:
            return None
        with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16, self.mixed):
            return self.teacher(image, image.new_ones(len(image)), every=EVERY)[0]

    def _policy(self, step: int, generator: torch.Generator) -> GatePolicy:
        config = self.config
        temperature, calm = config.temperature_at(step), config.learning_rate(step)
        if config.masks == "sampled":
            return StochasticPolicy(temperature, generator, config.noise_cell)
        return RankedPolicy(
            temperature,
            generator,
            self.levels,
            config.noise_cell,
            config.noise * calm,
            config.share_spread * calm,
        )

    def _pull(self, trace: Trace, first: int, drawn: list[float], shares: list[int]) -> Tensor:
        """What draws the use of compute to the budgets drawn, over the photographs of each.

        Args:
            trace: of the whole batch.
            first: number of the first photograph at a drawn budget.
            drawn, shares: the budgets, and how many photographs there are at each.
        """
        if self.config.masks == "ranked":
            with torch.no_grad():
                wanted = layer_shares(self.levels, trace.cost, torch.tensor(drawn))
            return layer_budget_loss([gate.logits[first:] for gate in trace.gates], wanted, shares)
        executed = trace.gated_executed[first:].split(shares)
        pulls = [budget_loss(e, trace.cost, t) for e, t in zip(executed, drawn, strict=True)]
        return torch.stack(pulls).mean()

    def _draw_budgets(
        self, step: int, generator: torch.Generator, size: Iterable[int]
    ) -> list[float]:
        height, width = size
        floor = self.net.cost((height, width), TASKS).floor + 0.02
        low, high = (max(floor, end) for end in self.config.budget_range)
        lowest = self.config.lowest_budget(step, low)
        drawn = []
        for part in range(self.config.budgets):
            pick, place = torch.rand(2, generator=generator).tolist()
            place = (part + place) / self.config.budgets
            chance = self.config.lowest_share
            drawn.append(lowest if pick < chance else lowest + place * (high - lowest))
        return drawn

    def _set_modes(self, step: int) -> None:
        self.net.train()
        for module in self.net.modules():
            if isinstance(module, nn.BatchNorm2d) and (
                id(module) in self.frozen or step >= self.config.norm_steps
            ):
                module.eval()

    @torch.no_grad()
    def _update_mean(self) -> None:
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        means, values = [], []
        for name, value in self.net.state_dict().items():
            if value.dtype.is_floating_point:
                means.append(self.mean[name])
                values.append(value)
            else:
                self.mean[name].copy_(value)
        get_ema_multi_avg_fn(decay)(means, values, self.step)  # on a GPU in a few launches

    def save(self, path: Path) -> None:
        """Write the whole state to one file, replacing an older one in a single move."""
        tensors = {f"net.{k}": v for k, v in self.net.state_dict().items()}
        tensors |= {f"mean.{k}": v for k, v in self.mean.items()}
        tensors["levels"] = self.levels
        state = self.optimizer.state_dict()["state"]
        for index, moments in state.items():
            for key, value in moments.items():
                tensors[f"adam.{self.names[index]}.{key}"] = torch.as_tensor(value)
        TrainingState(self.step, self.net.config, self.config, tensors).write(path)

    def load(self, path: Path) -> None:
        """Continue from a saved state; every tensor must fit, of the same network.

        The run's own settings may differ, so that a run can be made longer.

        Raises:
            WeightsError: no such state, or of another network.
        """
        saved = read_state(path)
        tensors = saved.tensors
        if saved.network != self.net.config:
            raise WeightsError(f"The saved state is of another network: {saved.network}")
        try:
            self.net.load_state_dict(saved.part("net."))
        except RuntimeError as error:
            raise WeightsError(f"The saved state does not fit this network: {error}") from error
        self.step = saved.step
        with torch.no_grad():
            self.levels.copy_(tensors["levels"])
        self.mean = {k: v.to(self.device) for k, v in saved.part("mean.").items()}
        moments: dict[int, dict[str, Tensor]] = {}
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        for index, name in enumerate(self.names):
            found = {
                key: tensors[f"adam.{name}.{key}"]
                for key in ("step", "exp_avg", "exp_avg_sq")
                if f"adam.{name}.{key}" in tensors
            }
            # The fused step walks through memory: moments must lie as their parameter does.
            for key in found.keys() - {"step"}:
                found[key] = torch.empty_like(parameters[index]).copy_(found[key])
            if found:
                moments[index] = found
        own = self.optimizer.state_dict()
        self.optimizer.load_state_dict({"state": moments, "param_groups": own["param_groups"]})


def held(net: PAGNet, only: tuple[str, ...]) -> list[nn.BatchNorm2d]:
    """Let nothing but the parameters learn whose names begin with one of `only`.

    Returns:
        The BatchNorms elsewhere.

    Raises:
        InputError: one of `only` begins no name.
    """
    names = [name for name, _ in net.named_parameters()]
    if missing := [each for each in only if not any(name.startswith(each) for name in names)]:
        raise InputError(f"only names {', '.join(missing)}, of which the network has no parameters")
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(name.startswith(only))
    return [
        module
        for name, module in net.named_modules()
        if isinstance(module, nn.BatchNorm2d) and not f"{name}.".startswith(only)
    ]


def check_teacher(teacher: PAGNet, net: PAGNet) -> None:
    """`WeightsError` unless both networks know the same classes."""
    theirs, own = teacher.config.classes, net.config.classes
    if theirs != own:
        raise WeightsError(
            f"The teacher knows other classes ({', '.join(theirs)}); expected {', '.join(own)}."
        )


def parameter_groups(
    net: PAGNet, levels: nn.Parameter, config: TrainConfig
) -> tuple[list[str], list[dict]]:
    """Parameter names in the optimiser's order, and its groups.

    Three groups: what ImageNet initialised, the new layers, the gates' single numbers.
    """
    slow, fast, scalars = [], [], [("levels", levels)]
    for name, parameter in net.named_parameters():
        inside = name.removeprefix("backbone.")
        pretrained = inside != name and not net.backbone.is_new(inside)
        if name.startswith("gates.") and parameter.numel() == 1:
            scalars.append((name, parameter))
        else:
            (slow if pretrained else fast).append((name, parameter))
    names = [name for name, _ in slow + fast + scalars]
    groups = [
        {"params": [p for _, p in part], "lr": rate, "initial_lr": rate}
        for part, rate in (
            (slow, config.lr_backbone),
            (fast, config.lr_new),
            (scalars, config.lr_gate),
        )
    ]
    return names, groups
