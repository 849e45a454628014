"""The file that a training run is continued from, checkpoints are made of, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from pag.cache import whole
from pag.config import PAGConfig, TrainConfig
from pag.errors import WeightsError

STATE = "state.safetensors"
"""Its name in a run's folder."""

UNUSABLE = (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError)
"""What reading a file that is no training state may raise."""


@dataclass(frozen=True)
class TrainingState:
    """A run after so many steps.

    Attributes:
        step: steps done.
        network: settings of its network.
        train: settings of the run.
        tensors: by name. ``net.``: the weights; ``mean.``: their running mean; ``adam.``: moments;
            ``levels``: (L,), see `pag.relaxation.layer_shares`.
    """

    step: int
    network: PAGConfig
    train: TrainConfig
    tensors: dict[str, Tensor]

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The tensors whose names begin so, by the rest of their names."""
        found = {k: v for k, v in self.tensors.items() if k.startswith(prefix)}
        return {k.removeprefix(prefix): v for k, v in found.items()}

    def write(self, path: Path) -> None:
        """Write everything to one file, replacing an older one in a single move."""
        tensors = {k: v.detach().cpu().contiguous().clone() for k, v in self.tensors.items()}
        metadata = {
            "step": str(self.step),
            "network": self.network.to_json(),
            "train": self.train.to_json(),
        }
        with whole(path) as draft:
            save_file(tensors, draft, metadata)


def read_state(path: Path, prefixes: tuple[str, ...] = ("",)) -> TrainingState:
    """Read a file that `TrainingState.write` wrote.

    Args:
        path: of the file.
        prefixes: how the names begin of the tensors to read.

    Raises:
        WeightsError: it is missing, or something else.
    """
    if not path.is_file():
        raise WeightsError(f"There is no training state called {path.name}.")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
            return TrainingState(
                int(metadata["step"]),
                PAGConfig.from_json(metadata["network"]),
                TrainConfig.from_json(metadata["train"]),
                {k: file.get_tensor(k) for k in file.keys() if k.startswith(prefixes)},  # noqa: SIM118
            )
    except UNUSABLE as error:
        raise WeightsError(f"The training state cannot be used: {error}") from error
