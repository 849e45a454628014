"""Learn how fast this machine is, once: ``python -m pag.machine``.

The network is run as it is, on one picture of two sizes, densely and sparsely in turn, with a
clock at every gated layer. What comes of it (`pag.latency`) is kept in the user's cache folder,
where every `Predictor` finds it: `auto` then knows when dense is faster, and time can be asked for.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

import torch
from torch import Tensor
from tqdm import tqdm

from pag.backbones import BlockInput, ResidualBlock
from pag.checkpoints import add_model_options, chosen_checkpoint
from pag.errors import PAGError
from pag.execution import Execution
from pag.fused_execution import AutoExecution, SparseExecution, never_dense
from pag.images import Picture, resize
from pag.inference import TASKS, Inference
from pag.latency import Kind, Latency, Timing, fit
from pag.latency_cache import save_latency
from pag.macs import Size, network_cost
from pag.network import PAGNet
from pag.predictor import Predictor
from pag.scenes import render_scene
from pag.timing import BUSY, machine, turns

SIZES: tuple[Size, ...] = ((480, 640), (240, 320))
REPEATS = 3
WARMUP = 1
FULL, DENSE, LOW, HIGH = "full", "dense", "low", "high"
SPENT = {FULL: 1.0, DENSE: 0.5, LOW: 0.3, HIGH: 0.75}
"""The runs, and how far each one's budget lies from the floor (0) to full budget (1)."""
PASSES = len(SIZES) * len(SPENT) * (WARMUP + REPEATS)
SCENE_SEED = 69  # a street that no network was trained on; see `pag.scenes`


class Listening(Execution):
    """Another execution, with the seconds of each gated block in the order of the network.

    Args:
        inner: runs the blocks.
        clock: in seconds.
        device: of the network; a GPU is waited for at every block.
    """

    def __init__(self, inner: Execution, clock: Callable[[], float], device: torch.device) -> None:
        self.inner, self.clock = inner, clock
        on_gpu = device.type == "cuda"
        self.wait = partial(torch.cuda.synchronize, device) if on_gpu else _nothing
        self.seconds: list[float] = []

    def residual(
        self,
        block: ResidualBlock,
        a: Tensor | BlockInput,
        mask: Tensor,
        scope: str,
        onto: Tensor | None = None,
    ) -> Tensor:
        self.wait()
        started = self.clock()
        out = self.inner.residual(block, a, mask, scope, onto)
        self.wait()
        self.seconds.append(self.clock() - started)
        return out


def _nothing() -> None:
    """A processor needs no waiting for."""


def measure(
    predictor: Predictor,
    around: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Latency:
    """Time a predictor's network on its device; nothing is kept yet.

    Args:
        predictor: its clock is used.
        around: entered for each of the `PASSES` runs of the network, so that others may come
            in between, or progress be shown.
    """
    net = predictor.net
    kinds = kinds_of(net)
    like = torch.zeros(1, 1, 1, 1, device=predictor.device)
    skipping = {
        name
        for name, block in net.backbone.blocks
        if name in kinds and never_dense(block, like, net.config.gate_scope)
    }
    pixels = render_scene(SCENE_SEED, "street", "perspective", SIZES[0]).image
    timings: list[Timing] = []
    ungated: list[tuple[int, float]] = []
    for size in SIZES:
        cost = network_cost(net, size, TASKS)
        picture = Picture(resize(pixels, size), size)
        layers: dict[tuple[str, int], list[float]] = defaultdict(list)
        rest: dict[str, list[float]] = defaultdict(list)
        records: dict[str, Inference] = {}
        for repeat, name in turns(SPENT, REPEATS, WARMUP):
            # Without a table `auto` skips where that always pays, and else is dense as it is.
            inner = AutoExecution(()) if name in (FULL, DENSE) else SparseExecution()
            execution = Listening(inner, predictor.clock, predictor.device)
            budget = cost.floor + SPENT[name] * (1 - cost.floor)
            with around():
                record = predictor(picture, budget, execution=execution, size=max(size))
            if repeat < 0:
                continue
            for index, seconds in enumerate(execution.seconds):
                layers[name, index].append(1000 * seconds)
            rest[name].append(1000 * (record.seconds["network"] - sum(execution.seconds)))
            records[name] = record
        for (name, index), milliseconds in layers.items():
            gate = records[name].gates[index]
            timings.append(
                Timing(
                    kinds[gate.name],
                    gate.macs_dense,
                    gate.macs_executed,
                    # A mask that is full is not skipped under, whatever was asked for.
                    (name in (LOW, HIGH) or gate.name in skipping) and not gate.mask.all(),
                    statistics.median(milliseconds),
                )
            )
        ungated += [(cost.fixed, statistics.median(values)) for values in rest.values()]
    return fit(kinds, timings, ungated)


def kinds_of(net: PAGNet) -> dict[str, Kind]:
    """The kind of each gated layer, by its name."""
    blocks = dict(net.backbone.blocks)
    return {
        layer.name: Kind(
            scope=layer.scope,
            width=blocks[layer.name].width,
            stride=layer.block_stride,
            dilation=layer.dilation,
            depthwise=blocks[layer.name].depthwise,
            reduce=layer.reduce,
            expand=layer.expand,
        )
        for layer in network_cost(net, SIZES[0], TASKS).layers
    }


def learn(
    predictor: Predictor,
    around: Callable[[], AbstractContextManager[object]] = nullcontext,
    show: bool = False,
) -> Latency:
    """Measure, keep the result for this machine, and let the predictor use it.

    Args:
        predictor: of the network to be timed.
        around: as `measure` takes it.
        show: a progress bar.
    """
    with tqdm(total=PASSES, unit="pass", disable=not show) as bar:

        @contextmanager
        def counted() -> Iterator[None]:
            with around():
                yield
            bar.update()

        latency = measure(predictor, counted)
    save_latency(latency, predictor.device, predictor.config)
    predictor.use(latency)
    return latency


def report(predictor: Predictor, latency: Latency) -> str:
    """The table in words: milliseconds over the budget, and where each kind breaks even."""
    height, width = SIZES[0]
    budgets = [budget / 10 for budget in range(10, 0, -1) if budget / 10 >= predictor.floor]
    lines = [f"Milliseconds at {width}x{height}, as predicted"]
    lines += [f"  budget {b:.1f}  {predictor.milliseconds(b, SIZES[0]):7.1f}" for b in budgets]
    lines.append("Skipping pays below this share of a layer's multiply-adds, less the overhead")
    lines += [
        f"  width {entry.width:3d} stride {entry.stride}: "
        f"{entry.share:.2f}, {entry.overhead / 1e6:.0f} million"
        for entry in latency.break_even
    ]
    return "\n".join(lines)


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pag.machine",
        description="Times a network on this machine, in some ten seconds, and keeps the result "
        "in your cache folder: auto execution then knows when dense is faster, and "
        "pag.predict takes --budget-ms.",
    )
    add_model_options(parser)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--show", action="store_true", help="only show what has been measured")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Command line; 0 if there is a result, 1 if there is none to show, 2 without a network."""
    parser = build_parser()
    options = parser.parse_args(argv)
    try:
        predictor = Predictor.from_checkpoint(chosen_checkpoint(options), options.device)
    except PAGError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    if options.show:
        latency = predictor.latency
        if latency is None:
            print("Nothing has been measured for this network on this machine yet.")
            return 1
    else:
        state = machine()
        if state["busy"]:
            print(
                f"This machine is busy with something else (load {state['load_average']:.1f}, "
                f"quiet is below {BUSY}); measure again when it is quiet.",
                file=sys.stderr,
            )
        latency = learn(predictor, show=True)
    print(report(predictor, latency))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
