"""Measure what skipping saves: ``python -m pag.benchmark``.

`pag.timing` has the contract. With ``--layers``, times every kind of gated layer, sparse
against dense, and derives the break-even table of `pag.execution`; without it, the network.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from pag.break_even import FRACTIONS, break_even, measure_layers, prepare
from pag.budget import BudgetTable, ExactPolicy, check_budget
from pag.checkpoints import add_model_options, chosen_checkpoint
from pag.config import BACKBONES, GATE_SCOPES, PAGConfig
from pag.errors import PAGError
from pag.execution import EXECUTIONS, build_execution
from pag.images import open_image, resize
from pag.inference import TASKS
from pag.macs import Size, network_cost
from pag.network import PAGNet
from pag.pretrained import load_checkpoint
from pag.timing import CLOCKS, WARMUP, machine, ratio, summary, time_in_turn

MIN_SIDE = 64
FULL = "full"
"""Name of the dense run at budget 1 that every budget is compared with."""


@dataclass(frozen=True)
class NetworkTiming:
    """All executions of the network at one budget.

    Attributes:
        budget: asked for.
        achieved: executed / dense multiply-adds.
        milliseconds: median and quartiles by execution, and of dense execution at budget 1
            under the name ``full``.
        to_dense: time / time of dense execution at the same budget.
        to_full: time / time of dense execution at budget 1.
    """

    budget: float
    achieved: float
    milliseconds: dict[str, dict[str, float]]
    to_dense: dict[str, float]
    to_full: dict[str, float]


@torch.inference_mode()
def measure_network(
    net: PAGNet,
    table: BudgetTable,
    image: Tensor,
    budgets: Sequence[float],
    repeats: int,
    clock: Callable[[], float],
) -> Iterator[NetworkTiming]:
    """Time a prepared network on (1, 3, H, W) `image` at each budget, every execution in turn.

    Raises:
        BudgetError: a budget out of the network's reach.
    """
    floor = network_cost(net, (image.shape[2], image.shape[3]), TASKS).floor
    policy = ExactPolicy(table)
    executions = {name: build_execution(name) for name in EXECUTIONS}

    def run(name: str, budget: float) -> float:
        wanted = torch.tensor([budget])
        _, trace = net(image, wanted, policy, execution=executions[name])
        return (trace.macs_executed / trace.macs_dense).item()

    for budget in [check_budget(value, floor) for value in budgets]:
        runs: dict[str, Callable[[int], object]] = {FULL: lambda _: run("dense", 1.0)}
        for name in EXECUTIONS:
            runs[name] = lambda _, name=name, budget=budget: run(name, budget)
        timings = time_in_turn(runs, repeats, clock)
        yield NetworkTiming(
            budget=budget,
            achieved=round(run("auto", budget), 4),
            milliseconds={name: summary(seconds) for name, seconds in timings.items()},
            to_dense={name: ratio(timings, name, "dense") for name in ("auto", "sparse")},
            to_full={name: ratio(timings, name, FULL) for name in EXECUTIONS},
        )


def load_image(path: str | None, size: Size) -> Tensor:
    """(1, 3, H, W) in 0..1: a photograph resized to `size`, or smooth noise."""
    if path is None:
        coarse = torch.rand(1, 3, 12, 16, generator=torch.Generator().manual_seed(0))
        image = F.interpolate(coarse, size, mode="bicubic").clamp(0, 1)
    else:
        pixels = torch.from_numpy(resize(open_image(path).pixels, size).copy())
        image = pixels.permute(2, 0, 1)[None].float() / 255
    return image.contiguous(memory_format=torch.channels_last)


def report_layers(options: argparse.Namespace) -> dict[str, object]:
    """Time layers, print a line for each, and derive the break-even table."""
    heading = "".join(f"{fraction:6.1f}" for fraction in FRACTIONS)
    print(f"Time sparse / dense at active fractions\n{'':21}{heading}")
    timings = []
    clock = CLOCKS[options.clock]
    for points in measure_layers(options.size, options.repeats, clock, options.backbone):
        timings.append(points)
        height, width = points[0].input_size
        ratios = "".join(f"{point.ratio:6.2f}" for point in points)
        print(f"{points[0].scope:5} {points[0].layer} {height:4d}x{width:<4d}{ratios}", flush=True)
    table = break_even(timings)
    print("Sparse pays below this share of a layer's multiply-adds, less the overhead")
    for entry in table:
        print(
            f"{entry.scope:5} width {entry.width:3d} stride {entry.stride}"
            f"{' depthwise' if entry.depthwise else ''}: "
            f"{entry.share:.3f}, {entry.overhead / 1e6:.0f} million"
        )
    layers = [asdict(point) for points in timings for point in points]
    return {"break_even": [asdict(entry) for entry in table], "layers": layers}


def report_network(options: argparse.Namespace) -> dict[str, object]:
    """Time the network and print a line for each budget."""
    if chosen := chosen_checkpoint(options):
        checkpoint = load_checkpoint(chosen)
        net, table, weights = checkpoint.net, checkpoint.table, checkpoint.digest
    else:
        config = PAGConfig(backbone=options.backbone, gate_scope=options.scope)
        net, weights = PAGNet(config), "random"
        table = BudgetTable.uniform(tuple(net.gates))
    image = load_image(options.image, options.size)
    print("Milliseconds, and time / time at full budget\nbudget  achieved", end="")
    print("".join(f"{name:>16}" for name in EXECUTIONS))
    found = []
    for timing in measure_network(
        prepare(net), table, image, options.budgets, options.repeats, CLOCKS[options.clock]
    ):
        found.append(asdict(timing))
        times = "".join(
            f"{timing.milliseconds[name]['median']:10.0f}{timing.to_full[name]:6.2f}"
            for name in EXECUTIONS
        )
        print(f"{timing.budget:6.2f}  {timing.achieved:8.4f}{times}", flush=True)
    average = statistics.fmean(entry["to_full"]["auto"] - entry["achieved"] for entry in found)
    print(f"Time above budget, auto, on average: {average:+.2f}")
    return {
        "weights": weights,
        "backbone": net.config.backbone,
        "scope": net.config.gate_scope,
        "budgets": found,
    }


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pag.benchmark",
        description="Times sparse against dense execution, layer by layer or end to end.",
    )
    add = parser.add_argument
    add("--layers", action="store_true", help="time layers and derive the break-even table")
    add_model_options(parser, "random weights")
    add("--backbone", choices=BACKBONES, default=BACKBONES[0], help="of random weights and layers")
    add("--scope", choices=GATE_SCOPES, default="block", help="of random weights")
    add("--image", help="photograph; a smooth synthetic image if not given")
    add("--size", type=int, nargs=2, default=[480, 640], metavar=("H", "W"), help="pixels")
    add("--budgets", type=float, nargs="+", default=[1.0, 0.9, 0.8, 0.7, 0.6, 0.5])
    add("--repeats", type=int, default=9, help="timed runs of each execution, at least 2")
    add("--threads", type=int, help="of PyTorch; its own choice if not given")
    add("--clock", choices=tuple(CLOCKS), default="wall", help="cpu: time of the processor")
    add("--out", type=Path, help="JSON file to write")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Command line; 0 if all was measured, 2 if it could not be."""
    parser = build_parser()
    options = parser.parse_args(argv)
    options.size = (options.size[0], options.size[1])
    if options.repeats < 2 or min(options.size) < MIN_SIDE or (options.threads or 1) < 1:
        parser.error(f"expected 2 repeats, {MIN_SIDE} pixels a side and 1 thread at the least")
    if options.threads:
        torch.set_num_threads(options.threads)
    method = {"repeats": options.repeats, "warm_up": WARMUP, "clock": options.clock}
    report = {"machine": machine(), "method": method, "image_size": options.size}
    try:
        report |= report_layers(options) if options.layers else report_network(options)
    except PAGError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    if options.out:
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
