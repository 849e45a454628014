"""ImageNet initialisation and checkpoints. Weights come from safetensors only, strictly."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from pag.backbones import ResNet50
from pag.budget import BudgetTable
from pag.config import PAGConfig
from pag.errors import PAGError, WeightsError
from pag.network import PAGNet

CHECKPOINTS = Path(__file__).resolve().parent.parent / "assets" / "checkpoints"
DEFAULT_CHECKPOINT = "default"
WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
CHECKPOINT_FORMAT = 1
COUNTER = "num_batches_tracked"  # of BatchNorm; means nothing here and is not stored

BATCHNORM = {
    "gamma": "weight",
    "beta": "bias",
    "running_mean": "running_mean",
    "running_var": "running_var",
}


@dataclass(frozen=True)
class ImportReport:
    """What became of the tensors of a file.

    Attributes:
        used: names that found their place.
        unused: names that have none in this network.
        fresh: the network's own tensors that keep their random initialisation.
    """

    used: tuple[str, ...]
    unused: tuple[str, ...]
    fresh: tuple[str, ...]


def load_tensors(path: str | Path) -> dict[str, torch.Tensor]:
    """All tensors of a safetensors file; `WeightsError` if it is none."""
    if not Path(path).is_file():
        raise WeightsError("There is no weights file at the place given; expected .safetensors.")
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"The weights file is not readable as safetensors: {error}") from error


def gluon_names(backbone: ResNet50) -> dict[str, str]:
    """GluonCV's name of every tensor of a pre-activation ResNet-50 -> ours.

    Within a stage, BatchNorms count 0, 1, 2 a block; convolutions count 0, 1, 2, then the
    downsample of the first block, then on. MultiPool has no counterpart there.
    """
    names: dict[str, str] = {}

    def norm(theirs: str, ours: str) -> None:
        names.update({f"{theirs}_{a}": f"{ours}.{b}" for a, b in BATCHNORM.items()})

    norm("batchnorm0", "input_norm")
    norm("batchnorm1", "stem_norm")
    names["conv0_weight"] = "stem_conv.weight"
    for number, stage in enumerate(backbone.stages, start=1):
        conv = 0
        for index, block in enumerate(getattr(backbone, stage.name)):
            ours = f"{stage.name}.{index}"
            for offset in range(3):
                norm(f"stage{number}_batchnorm{3 * index + offset}", f"{ours}.bn{offset + 1}")
                names[f"stage{number}_conv{conv}_weight"] = f"{ours}.conv{offset + 1}.weight"
                conv += 1
            if index == 0:
                if block.downsample is not None:
                    names[f"stage{number}_conv{conv}_weight"] = f"{ours}.downsample.weight"
                conv += 1
    return names


def load_imagenet(backbone: ResNet50, path: str | Path) -> ImportReport:
    """Initialise a ResNet-50 from GluonCV's ImageNet tensors, in place.

    Every tensor whose place exists with the same shape is used; the report names the rest.

    Raises:
        WeightsError: unreadable, or without the tensors of the stem and of res2 to res4.
    """
    tensors = load_tensors(path)
    state = backbone.state_dict()
    places = gluon_names(backbone)
    used = {
        theirs: places[theirs]
        for theirs, tensor in tensors.items()
        if theirs in places
        and places[theirs] in state
        and state[places[theirs]].shape == tensor.shape
    }
    missing = [
        theirs for theirs, ours in places.items()
        if not ours.startswith("res5") and theirs not in used
    ]  # fmt: skip
    if missing:
        raise WeightsError(
            f"The ImageNet weights lack {len(missing)} tensors, {missing[0]} for one."
        )
    with torch.no_grad():
        for theirs, ours in used.items():
            state[ours].copy_(tensors[theirs])
    filled = set(used.values())
    return ImportReport(
        used=tuple(sorted(used)),
        unused=tuple(sorted(set(tensors) - set(used))),
        fresh=tuple(sorted(name for name in set(state) - filled if not name.endswith(COUNTER))),
    )


def frozen_norms(backbone: ResNet50) -> list[nn.BatchNorm2d]:
    """The BatchNorms whose ImageNet statistics are kept: those of the stem and res2 to res4."""
    trained = {id(m) for m in backbone.get_submodule("res5").modules()} | {id(backbone.final_norm)}
    return [m for m in backbone.modules() if isinstance(m, nn.BatchNorm2d) and id(m) not in trained]


@dataclass(frozen=True)
class Checkpoint:
    """A trained network with all that is needed to run it at any budget.

    Attributes:
        net: float32, in evaluation mode, BatchNorm not folded.
        table: how its layers follow the budget.
        digest: first 12 hexadecimal digits of the SHA-256 of the weights file.
    """

    net: PAGNet
    table: BudgetTable
    digest: str


def find_checkpoint(name: str | Path | None = None) -> Path:
    """The folder of a checkpoint: a folder's path, a name below ``assets/checkpoints``, or None.

    Raises:
        WeightsError: no such checkpoint; the message lists those that come with the project.
    """
    for folder in (Path(name or DEFAULT_CHECKPOINT), CHECKPOINTS / (name or DEFAULT_CHECKPOINT)):
        if (folder / CONFIG_FILE).is_file():
            return folder
    known = sorted(p.parent.name for p in CHECKPOINTS.glob(f"*/{CONFIG_FILE}"))
    raise WeightsError(
        f"There is no checkpoint called {str(name or DEFAULT_CHECKPOINT)!r}; expected a folder "
        f"with {CONFIG_FILE} and {WEIGHTS_FILE}, or one of: {', '.join(known) or 'none here'}."
    )


def save_checkpoint(folder: str | Path, net: PAGNet, table: BudgetTable) -> None:
    """Write `net` and its table to `folder` as config.json and model.safetensors.

    Convolution kernels are stored in half precision; vectors (BatchNorm, biases) stay in
    float32, because some variances are below what half precision can hold.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: (value.half() if value.ndim == 4 else value).cpu().contiguous()
        for name, value in net.state_dict().items()
        if not name.endswith(COUNTER)
    }
    settings = {
        "format": CHECKPOINT_FORMAT,
        "network": asdict(net.config),
        "budget_table": {"names": table.names, "shares": table.shares},
    }
    save_file(tensors, folder / WEIGHTS_FILE)
    (folder / CONFIG_FILE).write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")


def load_checkpoint(name: str | Path | None = None) -> Checkpoint:
    """Load a checkpoint strictly: every tensor must be there, and fit.

    Raises:
        WeightsError: missing, unreadable, of another format, incomplete, or not fitting.
    """
    folder = find_checkpoint(name)
    try:
        settings = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        if settings["format"] != CHECKPOINT_FORMAT:
            raise WeightsError(
                f"The checkpoint has format {settings['format']}; expected {CHECKPOINT_FORMAT}."
            )
        config = PAGConfig.from_dict(settings["network"])
        shares = settings["budget_table"]["shares"]
        table = BudgetTable(
            tuple(settings["budget_table"]["names"]), tuple(tuple(row) for row in shares)
        )
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, PAGError):
            raise WeightsError(f"The checkpoint's {CONFIG_FILE} does not fit: {error}") from error
        raise WeightsError(f"The checkpoint's {CONFIG_FILE} is damaged: {error!r}") from error
    weights = folder / WEIGHTS_FILE
    tensors = {k: v.float() for k, v in load_tensors(weights).items()}
    net = PAGNet(config)
    counters = {k: v for k, v in net.state_dict().items() if k.endswith(COUNTER)}
    try:
        net.load_state_dict(tensors | counters, strict=True)
    except RuntimeError as error:
        raise WeightsError(f"The checkpoint's weights do not fit its network: {error}") from error
    if table.names != tuple(net.gates):
        raise WeightsError("The checkpoint's budget table names other layers than its network has.")
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()[:12]
    return Checkpoint(net.eval(), table, digest)
