"""The network from end to end, over budgets: every execution, and the dense network made small."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pag import cpu, cuda
from pag.baselines.resolution import nearest_size
from pag.benchmark.subject import Subject
from pag.budget import ExactPolicy, GatePolicy, OpenPolicy, check_budget
from pag.execution import Execution
from pag.fused_execution import EXECUTIONS, Everywhere, build_execution
from pag.heads import predictions, zoom_of
from pag.inference import TASKS
from pag.macs import Size, network_cost
from pag.multipool import MultiPool
from pag.network import PAGNet, Trace
from pag.timing import WARMUP, ratio, summary, time_in_turn

FULL = "full"
"""Name of the run with every gate open that every budget is compared with."""
PYTORCH = "pytorch"
"""Name of the same by PyTorch's own convolutions; see `ByPyTorch`."""
SMALL = "lower_resolution"
"""Name of the same on smaller images, at the multiply-adds of the budget."""


@dataclass(frozen=True)
class NetworkTiming:
    """All runs of the network at one budget.

    Attributes:
        budget: asked for.
        achieved: executed / dense multiply-adds.
        small_size: (h, w) of the smaller images.
        small_achieved: what the network multiplies on those, with every gate open / dense
            multiply-adds on the larger ones.
        milliseconds: median and quartiles by execution, and of ``full``, ``pytorch`` and
            ``lower_resolution``.
        to_dense: time / time of dense execution at the same budget.
        to_full: time / time with every gate open.
        to_pytorch: time / time with every gate open and PyTorch's own convolutions.
        to_lower_resolution: time / time on the smaller images.
    """

    budget: float
    achieved: float
    small_size: Size
    small_achieved: float
    milliseconds: dict[str, dict[str, float]]
    to_dense: dict[str, float]
    to_full: dict[str, float]
    to_pytorch: dict[str, float]
    to_lower_resolution: dict[str, float]


class ByPyTorch(Everywhere):
    """Every block at every pixel, where none of the kernels of `pag.cpu` and `pag.cuda` are used.

    But for MultiPool on a GPU: PyTorch has no convolution for it, and its operations that gather
    pixels would wait for the GPU, which a CUDA graph cannot.
    """

    @property
    def where_open(self) -> Execution:
        return self

    def pool(self, module: MultiPool, x: Tensor) -> tuple[Tensor, Tensor]:
        """See `Execution.pool`."""
        if cuda.runs(x, module.groups > 1):
            return cuda.pool(module, x)
        return super().pool(module, x)


def answer(
    net: PAGNet,
    image: Tensor,
    budget: float,
    policy: GatePolicy,
    execution: Execution,
    size: Size | None = None,
) -> Trace:
    """All four maps of (B, 3, h, w) `image`, as the predictor makes them; returns the trace.

    On a GPU it ends with what the heads give: making maps of that waits for the GPU.

    Args:
        net: a prepared network.
        image: in 0..1.
        budget: of every image.
        policy, execution: see `PAGNet.forward`.
        size: (H, W) of the maps; that of `image` if None.
    """
    shape = (image.shape[2], image.shape[3])
    wanted = torch.full((len(image),), budget)
    outputs, trace = net(image, wanted, policy, execution=execution, finished=False)
    if image.device.type == "cpu":
        predictions(outputs, size or shape, zoom_of(*shape), seen=shape)
    return trace


def captured(run: Callable[[], object], pool: object) -> Callable[[], object]:
    """A pass as a CUDA graph: the GPU goes through its kernels without asking for each.

    Args:
        run: a pass that never waits for the GPU.
        pool: of memory, shared by graphs of which one runs at a time.

    Returns:
        A call that repeats it.
    """
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARMUP):  # compiles kernels, chooses block sizes, copies constants
            run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, pool=pool):  # type: ignore[arg-type]
        run()
    return graph.replay


@torch.inference_mode()
def measure_network(
    subject: Subject,
    image: Tensor,
    budgets: Sequence[float],
    repeats: int,
    clock: Callable[[], float],
    graphs: bool = False,
) -> Iterator[NetworkTiming]:
    """Time a network on (B, 3, H, W) `image` at each budget, all runs in turn.

    Args:
        subject: on the device of `image`.
        image: in 0..1.
        budgets: of every image.
        repeats: timed runs of each.
        clock: in seconds; waits for a GPU (`pag.timing.synchronised`).
        graphs: time passes as CUDA graphs, without the time that the CPU takes to launch them.

    Raises:
        BudgetError: a budget out of the network's reach.
    """
    net, size = subject.net, (image.shape[2], image.shape[3])
    policy = ExactPolicy(subject.table)
    executions = {name: build_execution(name) for name in EXECUTIONS}
    floor = network_cost(net, size, TASKS).floor

    def ungated(x: Tensor) -> Trace:
        return answer(net, x, 1.0, OpenPolicy(), executions["auto"], size)

    def by_pytorch() -> Trace:
        with cpu.switched_off(), cuda.switched_off():
            return answer(net, image, 1.0, OpenPolicy(), ByPyTorch(), size)

    for budget in [check_budget(value, floor) for value in budgets]:
        smaller = nearest_size(net, size, TASKS, budget, max(size))
        small = F.interpolate(image.float(), smaller, mode="bilinear", antialias=True)
        small = small.to(image.dtype).contiguous(memory_format=torch.channels_last)

        def run(name: str, budget: float = budget) -> Trace:
            return answer(net, image, budget, policy, executions[name])

        passes: dict[str, Callable[[], object]] = {FULL: lambda: ungated(image)}
        passes |= {name: lambda name=name, run=run: run(name) for name in EXECUTIONS}
        passes[PYTORCH] = by_pytorch
        passes[SMALL] = lambda small=small: ungated(small)
        if graphs:
            pool = torch.cuda.graph_pool_handle()
            passes = {name: captured(call, pool) for name, call in passes.items()}
        runs = {name: lambda _, call=call: call() for name, call in passes.items()}
        timings = time_in_turn(runs, repeats, clock)
        gated, shrunk = run("auto"), ungated(small)
        dense = gated.macs_dense.sum().item()
        yield NetworkTiming(
            budget=budget,
            achieved=round(gated.macs_executed.sum().item() / dense, 4),
            small_size=smaller,
            small_achieved=round(shrunk.macs_executed.sum().item() / dense, 4),
            milliseconds={name: summary(seconds) for name, seconds in timings.items()},
            to_dense={name: ratio(timings, name, "dense") for name in ("auto", "sparse")},
            to_full={name: ratio(timings, name, FULL) for name in (*EXECUTIONS, SMALL)},
            to_pytorch={name: ratio(timings, name, PYTORCH) for name in ("auto", "sparse", FULL)},
            to_lower_resolution={name: ratio(timings, name, SMALL) for name in ("auto", "sparse")},
        )
