"""Measure what skipping saves: ``python -m pag.benchmark``.

`pag.timing` has the contract. Parts are chosen by ``--network`` (what is measured if none is
chosen), ``--layers``, ``--convolutions``, ``--pooling``, ``--memory`` and ``--times``; all that
were chosen go into one JSON file, which is written after every step.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from pag import cpu
from pag.allocator import keep_freed_memory
from pag.benchmark.convolutions import left_out, measure_convolutions
from pag.benchmark.memory import measure_memory
from pag.benchmark.network import FULL, PYTORCH, SMALL, measure_network
from pag.benchmark.pooling import DILATION, measure_pool
from pag.benchmark.proportion import proportion
from pag.benchmark.recorded import record
from pag.benchmark.subject import DTYPES, Recipe, load_images
from pag.benchmark.submanifold import find_spconv
from pag.benchmark.times import measure_times
from pag.break_even import FRACTIONS, break_even, measure_layers
from pag.checkpoints import add_model_options, chosen_checkpoint
from pag.config import BACKBONES, GATE_SCOPES, PAGConfig
from pag.errors import PAGError
from pag.fused_execution import EXECUTIONS
from pag.growing import write_report
from pag.macs import Size
from pag.options import file_to_write
from pag.timing import CLOCKS, WARMUP, machine, synchronised

MIN_SIDE = 64
Update = dict[str, Any]
"""Keys of the report, and what they hold by now."""


def report_network(options: argparse.Namespace, recipe: Recipe) -> Iterator[Update]:
    """Time the network at every size and batch, and print a line for each budget."""
    subject = recipe.make()
    digits = 0 if recipe.device == "cpu" else 2
    settings: list[Update] = []
    for size in options.sizes:
        for batch in options.batch:
            image = recipe.images(options.image, size, batch)
            print(f"{size[0]}x{size[1]}, batch {batch}: milliseconds, and time / time at full")
            names = "".join(f"{name:>18}" for name in (*EXECUTIONS, SMALL))
            print(f"budget  achieved{PYTORCH:>9}{FULL:>9}{names}")
            settings.append({"size": size, "batch": batch, "budgets": []})
            budgets = settings[-1]["budgets"]
            clock = synchronised(CLOCKS[options.clock], image.device)
            given = (options.budgets, options.repeats, clock, options.graphs)
            for timing in measure_network(subject, image, *given):
                budgets.append(asdict(timing))
                times = "".join(
                    f"{timing.milliseconds[name]['median']:12.{digits}f}{timing.to_full[name]:6.2f}"
                    for name in (*EXECUTIONS, SMALL)
                )
                height, width = timing.small_size
                plain = "".join(
                    f"{timing.milliseconds[name]['median']:9.{digits}f}" for name in (PYTORCH, FULL)
                )
                print(
                    f"{timing.budget:6.2f}  {timing.achieved:8.4f}{plain}{times}"
                    f"  at {height}x{width}, {timing.small_achieved:.4f}",
                    flush=True,
                )
                yield {"network": settings}
            for reference in ("to_full", "to_pytorch"):
                above = statistics.fmean(b[reference]["auto"] - b["achieved"] for b in budgets)
                print(f"Time above budget, auto {reference}, on average: {above:+.2f}")


def report_layers(options: argparse.Namespace, recipe: Recipe) -> Iterator[Update]:
    """Time layers, print a line for each, and derive the break-even table."""
    heading = "".join(f"{fraction:6.1f}" for fraction in FRACTIONS)
    print("Time sparse / dense at active fractions; slope from 20% to 80%, and how far off it is")
    print(f"{'':21}{heading} slope   off")
    timings, proportions = [], []
    clock, config = CLOCKS[options.clock], PAGConfig(backbone=recipe.backbone)
    if recipe.checkpoint:
        config = recipe.make().net.config
    for size in options.sizes:
        for points in measure_layers(size, options.repeats, clock, config):
            timings.append(points)
            line = proportion(points)
            proportions.append(asdict(line))
            height, width = points[0].input_size
            ratios = "".join(f"{point.ratio:6.2f}" for point in points)
            print(
                f"{points[0].scope:5} {points[0].layer} {height:4d}x{width:<4d}{ratios}"
                f"{line.slope:6.2f}{line.deviation:6.0%}",
                flush=True,
            )
    table = break_even(timings)
    print("Sparse pays below this share of a layer's multiply-adds, less the overhead")
    for entry in table:
        print(
            f"{entry.scope:5} width {entry.width:3d} stride {entry.stride}"
            f"{' depthwise' if entry.depthwise else ''}: "
            f"{entry.share:.3f}, {entry.overhead / 1e6:.0f} million"
        )
    yield {
        "break_even": [asdict(entry) for entry in table],
        "proportion": proportions,
        "layers": [asdict(point) for points in timings for point in points],
    }


def report_convolutions(options: argparse.Namespace, recipe: Recipe) -> Iterator[Update]:
    """Time the 3x3 convolutions of gated layers beside spconv's."""
    subject, library = recipe.make(), find_spconv()
    name = None if library is None else library.name
    if library is None:
        print("spconv is not installed (pip install spconv): its convolution was left out")
    found: list[Update] = []
    reasons: dict[str, str] = {}
    budget = min(options.budgets)
    kept = {"library": name, "budget": budget, "left_out": reasons, "layers": found}
    for size in options.sizes:
        layers, _ = record(subject, load_images(options.image, size), budget)
        reasons.update({seen.cost.name: reason for seen in layers if (reason := left_out(seen))})
        print(
            f"{size[0]}x{size[1]}: 3x3 convolutions, masks of budget {budget:g} and half active\n"
            "layer     mask     active  ms dense   ours / dense  spconv / dense  ours / spconv  "
            "without building indices  difference     theirs"
        )
        clock = CLOCKS[options.clock]
        for timing in measure_convolutions(layers, library, options.repeats, clock):
            found.append({"image_size": size, **asdict(timing)})
            to_dense, to_theirs = timing.to_dense, timing.to_theirs
            print(
                f"{timing.layer:9} {timing.mask:8} {timing.active_fraction:6.3f}"
                f"{timing.milliseconds['dense']['median']:10.2f}"
                f"{_number(to_dense.get('ours')):>15}{_number(to_dense.get('theirs')):>16}"
                f"{_number(to_theirs.get('ours')):>15}"
                f"{_number(to_theirs.get('ours_prepared')):>26}{timing.difference:12.1e}"
                f"{_number(timing.their_difference, '.1e'):>11}",
                flush=True,
            )
            yield {"convolutions": kept}
    for layer, reason in reasons.items():
        print(f"{layer} was left out: {reason}")
    yield {"convolutions": kept}


def _number(value: float | None, form: str = ".2f") -> str:
    return "-" if value is None else format(value, form)


def report_pooling(options: argparse.Namespace, recipe: Recipe) -> Iterator[Update]:
    """Time MultiPool beside one dilated convolution, at full budget."""
    subject = recipe.make()
    found: list[Update] = []
    for size in options.sizes:
        _, (module, x) = record(subject, load_images(options.image, size), 1.0)
        timing = measure_pool(module, x, options.repeats, CLOCKS[options.clock])
        found.append({"image_size": size, **asdict(timing)})
        shares = ", ".join(f"{share:.0%} at {d}" for d, share in timing.dilations.items())
        print(
            f"{size[0]}x{size[1]}: MultiPool takes {timing.to_dilated['multipool']:.2f} times as "
            f"long as one 3x3 of dilation {DILATION} "
            f"({timing.milliseconds['dilated']['median']:.2f} ms), "
            f"{timing.to_dilated['choosing']:.2f} of it to choose; dilations: {shares}",
            flush=True,
        )
        yield {"pooling": found}


def report_memory(options: argparse.Namespace, recipe: Recipe) -> Iterator[Update]:
    """Measure the memory of a pass, by execution, at the lowest budget."""
    budget = min(options.budgets)
    print(f"MB that a pass needs at budget {budget:g}, and memory / memory at full budget")
    print(f"{'':19}{FULL:>8}" + "".join(f"{name:>16}" for name in EXECUTIONS))
    found: list[Update] = []
    given = (options.image, options.sizes, options.batch, budget, options.uncompiled)
    for use in measure_memory(recipe, *given):
        found.append(asdict(use))
        values = "".join(
            f"{use.megabytes[name]['median']:10.0f}{use.to_full[name]:6.2f}" for name in EXECUTIONS
        )
        label = f"{use.size[0]}x{use.size[1]}, batch {use.batch}"
        print(f"{label:19}{use.megabytes[FULL]['median']:8.0f}{values}", flush=True)
        yield {"memory": found}


def report_times(options: argparse.Namespace, recipe: Recipe) -> Iterator[Update]:
    """Ask for times in place of budgets, and see how near passes come to them."""
    found: list[Update] = []
    print(
        "budget  ms asked  taken / asked: by the table alone, paced (lowest, highest)  within 10%"
    )
    given = (options.image, options.sizes, options.budgets, options.repeats)
    for times in measure_times(recipe, *given):
        found.append(asdict(times))
        taken = times.taken
        print(
            f"{times.budget:6.2f}{times.asked:10.1f}{times.unpaced:32.2f}{taken['median']:7.2f} "
            f"({taken['lowest']:.2f}, {taken['highest']:.2f}){times.met:20.0%}"
            f"  at {times.size[0]}x{times.size[1]}",
            flush=True,
        )
        yield {"times": found}


PARTS: dict[str, tuple[Callable[[argparse.Namespace, Recipe], Iterator[Update]], str]] = {
    "network": (report_network, "time the network; what is done if nothing is chosen"),
    "layers": (report_layers, "time layers and derive the break-even table"),
    "convolutions": (report_convolutions, "time their 3x3 convolutions beside spconv's"),
    "pooling": (report_pooling, "time MultiPool beside one dilated convolution"),
    "memory": (report_memory, "measure the memory of a pass (Linux)"),
    "times": (report_times, "ask for times in place of budgets"),
}


def parse_size(text: str) -> Size:
    """``480x640`` as (480, 640)."""
    height, _, width = text.partition("x")
    if not (height.isdecimal() and width.isdecimal()) or min(int(height), int(width)) < MIN_SIDE:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected height x width, such as 480x640, of {MIN_SIDE} pixels at the least"
        )
    return int(height), int(width)


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pag.benchmark",
        description="Measures sparse against dense execution, end to end or piece by piece.",
    )
    add = parser.add_argument
    for name, (_, text) in PARTS.items():
        add(f"--{name}", dest="parts", action="append_const", const=name, help=text)
    add_model_options(parser, "random weights")
    add("--backbone", choices=BACKBONES, default=BACKBONES[0], help="of random weights and layers")
    add("--scope", choices=GATE_SCOPES, default="block", help="of random weights")
    add("--image", nargs="+", default=[], help="photographs; smooth noise if not given")
    add("--sizes", type=parse_size, nargs="+", default=[(480, 640)], metavar="HxW", help="pixels")
    add("--batch", type=int, nargs="+", default=[1], help="images at once (network and memory)")
    add(
        "--budgets", type=float, nargs="+", default=[1.0, 0.9, 0.8, 0.7, 0.6, 0.5],
        help="of the network; convolutions and memory take the lowest",
    )  # fmt: skip
    add("--repeats", type=int, default=9, help="timed runs of each, at least 2")
    add("--threads", type=int, help="of PyTorch; its own choice if not given")
    add("--device", default="cpu", help="of the network: cpu or cuda")
    add("--dtype", choices=tuple(DTYPES), default="float32", help="of the network on a GPU")
    add("--graphs", action="store_true", help="time passes as CUDA graphs, without launching")
    add("--uncompiled", action="store_true", help="as on a machine without a C compiler")
    add("--clock", choices=tuple(CLOCKS), default="wall", help="cpu: time of the processor")
    add("--out", type=file_to_write, help="JSON file to write")
    return parser


def run(options: argparse.Namespace) -> None:
    """Measure as the command line says."""
    checkpoint, (device, dtype) = chosen_checkpoint(options), (options.device, options.dtype)
    recipe = Recipe(checkpoint, options.backbone, options.scope, device, dtype)
    parts = options.parts or ["network"]
    report: Update = {
        "machine": machine(torch.device(device)),
        "compiled": cpu.kernels() is not None,
        "method": {"repeats": options.repeats, "warm_up": WARMUP, "clock": options.clock},
        "images": [Path(path).name for path in options.image],
    }
    if device != "cpu":
        report |= {"device": device, "dtype": dtype, "graphs": options.graphs}
    if recipe.checkpoint or parts != ["layers"]:  # whose weights do not matter
        report |= recipe.make().described()
    for part in dict.fromkeys(parts):
        for update in PARTS[part][0](options, recipe):
            report |= update
            if options.out is not None:
                write_report(options.out, report)


def main(argv: list[str] | None = None) -> int:
    """Command line; 0 if all was measured, 2 if it could not be."""
    parser = build_parser()
    options = parser.parse_args(argv)
    if options.repeats < 2 or min(options.batch) < 1 or (options.threads or 1) < 1:
        parser.error("expected 2 repeats, a batch of 1 and 1 thread at the least")
    if options.device != "cpu":
        if not (options.device == "cuda" and torch.cuda.is_available()):
            parser.error(f"no device {options.device!r} here; expected cpu, or cuda with a GPU")
        if (options.parts or ["network"]) != ["network"] or options.clock != "wall":
            parser.error("on a GPU the network is what is measured, by the wall clock")
    elif options.graphs or options.dtype != "float32":
        parser.error("graphs and other types than float32 are for --device cuda")
    if options.threads:
        torch.set_num_threads(options.threads)
    keep_freed_memory()  # as a `Predictor` does
    try:
        with cpu.switched_off() if options.uncompiled else nullcontext():
            run(options)
    except PAGError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
