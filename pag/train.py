"""Train a PAGNet on several datasets at once: ``python -m pag.train``.

A run can be killed at any moment and resumed from its last saved state; batches and noise
depend on the seed and the step alone, so the result is that of an unbroken run.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch
from tqdm import tqdm

from pag.allocator import keep_freed_memory
from pag.config import PAGConfig, TrainConfig
from pag.data.labelled import LabelFiles
from pag.data.mixture import CachedDataset, Mixture, class_weights
from pag.data.resident import placed
from pag.data.training import open_training_data
from pag.device import choose_device
from pag.errors import InputError, PAGError, WeightsError
from pag.network import PAGNet
from pag.options import folder_to_write, settings
from pag.pretrained import load_checkpoint, load_imagenet
from pag.starting import fill, levels_of
from pag.trainer import Trainer, check_teacher
from pag.training_state import STATE, read_state


def run(
    net: PAGNet,
    config: TrainConfig,
    data: dict[str, CachedDataset],
    out: Path,
    save_seconds: float,
    levels: torch.Tensor | None = None,
    start: Path | None = None,
    teacher: PAGNet | None = None,
) -> None:
    """Train to the end, resuming from `out` if it holds a state, saving as it goes.

    A new run begins with `levels`, (L,), of the layers (`pag.relaxation.layer_shares`), or goes
    on from the state `start`. It learns from the outputs of `teacher`, too.
    """
    datasets = list(data.values())
    mixture = Mixture(datasets, config.mixture, config.seed, config.zoom, config.roll)
    weights = class_weights(datasets, config.mixture, len(net.config.classes))
    trainer = Trainer(net, config, weights, teacher)
    if levels is not None:
        trainer.set_levels(levels)
    state = out / STATE
    if state.exists():
        trainer.load(state)
    elif start is not None:
        trainer.load(start)
        trainer.save(state)
    source = placed(mixture, trainer.device)
    saved = time.monotonic()
    with (
        open(out / "log.jsonl", "a", encoding="utf-8") as log,
        tqdm(total=config.steps, initial=trainer.step, desc="training") as bar,
    ):
        while trainer.step < config.steps:
            started = time.monotonic()
            step = trainer.step
            size = config.batch // 2 if step >= config.open_steps else config.batch
            report = trainer.update(source.batch(step, size, config.crop))
            seconds = time.monotonic() - started
            rounded = {k: round(v, 5) for k, v in report.items()}
            entry = {"step": step, **rounded, "seconds": round(seconds, 3)}
            log.write(json.dumps(entry) + "\n")
            log.flush()
            bar.update()
            bar.set_postfix(loss=f"{report['loss']:.3f}", refresh=False)
            if time.monotonic() - saved > save_seconds:
                trainer.save(state)
                saved = time.monotonic()
        trainer.save(state)


def check_start(path: Path, net: PAGNet, config: TrainConfig) -> None:
    """`WeightsError` unless a run of `net` can go on from the state at `path`, and has to."""
    state = read_state(path, prefixes=("levels",))
    if state.network != net.config:
        raise WeightsError(f"The state to go on from is of another network: {state.network}")
    if state.step >= config.steps:
        raise WeightsError(
            f"The state to go on from has done {state.step} steps; expected less than the "
            f"{config.steps} of this run."
        )


def main(argv: list[str] | None = None) -> int:
    """Command line of `python -m pag.train`."""
    parser = argparse.ArgumentParser(prog="python -m pag.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the datasets")
    parser.add_argument(
        "--hand-labels",
        type=Path,
        help="JSON file: what BSDS500's regions are (pag.data.hand_labels)",
    )
    parser.add_argument(
        "--room-labels",
        type=Path,
        help="JSON file: what is where in the room of 7-Scenes (pag.data.room_labels)",
    )
    parser.add_argument(
        "--textures", action="store_true", help="lay photographs over surfaces of the scenes"
    )
    parser.add_argument("--imagenet", type=Path, help="ImageNet weights (.safetensors)")
    parser.add_argument(
        "--checkpoint", help="a checkpoint to go on from, whose classes may be fewer"
    )
    parser.add_argument("--teacher", help="a checkpoint whose outputs are learned as well")
    parser.add_argument("--out", type=folder_to_write, required=True, help="folder of the run")
    parser.add_argument(
        "--start", type=Path, help="a state to go on from in a new folder, its steps counted"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--save-seconds", type=float, default=120, help="between saved states")
    parser.add_argument(
        "--network", type=settings, default={}, help='settings, JSON: {"gate_scope": "conv"}'
    )
    parser.add_argument("--set", type=settings, default={}, help='settings: {"steps": 100}')
    args = parser.parse_args(argv)
    try:
        network, config = PAGConfig.from_dict(args.network), TrainConfig.from_dict(args.set)
        device = choose_device(args.device)
        if device.type == "cpu":
            keep_freed_memory()
        args.out.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(config.seed)
        net = PAGNet(network).to(device)
        net.to(memory_format=torch.channels_last)  # pyright: ignore
        if args.imagenet is not None:
            report = load_imagenet(net.backbone, args.imagenet)
            tqdm.write(f"ImageNet: {len(report.used)} tensors used, no place for {report.unused}")
        levels = None
        if args.checkpoint is not None:
            checkpoint = load_checkpoint(args.checkpoint)
            fill(net, checkpoint.net.state_dict(), checkpoint.net.config.classes)
            levels = levels_of(checkpoint.table)
        teacher = None if args.teacher is None else load_checkpoint(args.teacher).net
        # All that can be refused is, before minutes are spent on reading data.
        if config.crop < 2 * network.output_stride:
            raise InputError(
                f"crop is {config.crop}; expected {2 * network.output_stride} or more, two pixels "
                "of the last stage"
            )
        if teacher is not None:
            check_teacher(teacher, net)
        if args.start is not None and not (args.out / STATE).exists():
            check_start(args.start, net, config)
        labels = LabelFiles(args.hand_labels, args.room_labels)
        data = open_training_data(args.data, labels, args.textures, network.classes)
        run(net, config, data, args.out, args.save_seconds, levels, args.start, teacher)
    except PAGError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
