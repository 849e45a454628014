"""Which checkpoints there are, and where: a folder each below ``assets/checkpoints``."""

from __future__ import annotations

import argparse
from pathlib import Path

from pag.errors import WeightsError

CHECKPOINTS = Path(__file__).resolve().parent.parent / "assets" / "checkpoints"
DEFAULT_CHECKPOINT = "default"
WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"


def model_names() -> tuple[str, ...]:
    """Names of the models that come with the project, as they are on disk now."""
    return tuple(sorted(path.parent.name for path in CHECKPOINTS.glob(f"*/{CONFIG_FILE}")))


def find_model(name: str) -> Path:
    """The folder of a model that comes with the project.

    Raises:
        WeightsError: no such model; the message lists those there are.
    """
    if name not in model_names():
        known = ", ".join(model_names()) or "none here"
        raise WeightsError(f"There is no model called {name!r}; expected one of: {known}.")
    return CHECKPOINTS / name


def find_checkpoint(name: str | Path | None = None) -> Path:
    """The folder of a checkpoint: a folder's path, a model's name, or None.

    Raises:
        WeightsError: no such checkpoint; the message lists those that come with the project.
    """
    shipped = CHECKPOINTS / (name or DEFAULT_CHECKPOINT)
    for folder in (shipped,) if name is None else (Path(name), shipped):
        if (folder / CONFIG_FILE).is_file():
            return folder
    raise WeightsError(
        f"There is no checkpoint called {str(name or DEFAULT_CHECKPOINT)!r}; expected a folder "
        f"with {CONFIG_FILE} and {WEIGHTS_FILE}, or one of: "
        f"{', '.join(model_names()) or 'none here'}."
    )


def other_models(checkpoint: str | Path | None = None) -> tuple[str, ...]:
    """Names of the models that come with the project, but for one.

    Args:
        checkpoint: that one, as `find_checkpoint` takes it.

    Raises:
        WeightsError: no such checkpoint.
    """
    own = find_checkpoint(checkpoint).resolve()
    return tuple(name for name in model_names() if find_model(name).resolve() != own)


def add_model_options(
    parser: argparse.ArgumentParser, otherwise: str = f"the model {DEFAULT_CHECKPOINT}"
) -> None:
    """Let a command line choose a checkpoint; `chosen_checkpoint` reads what it chose.

    Args:
        otherwise: what is run if none is chosen, for the help text.
    """
    group = parser.add_mutually_exclusive_group()
    known = ", ".join(model_names()) or "none here"
    group.add_argument("--model", metavar="NAME", help=f"a model that comes with it: {known}")
    group.add_argument("--checkpoint", help=f"folder or name; {otherwise} if not given")


def chosen_checkpoint(options: argparse.Namespace) -> str | Path | None:
    """What a command line chose, as `find_checkpoint` takes it.

    Raises:
        WeightsError: no model of the name given.
    """
    return options.checkpoint if options.model is None else find_model(options.model)
