"""Pixel-wise Attentional Gating: a network that decides, per pixel and layer, whether to compute.

    >>> from pag import Predictor
    >>> inference = Predictor.from_checkpoint()("photo.jpg", budget=0.6)

What needs torch is imported on first use, so that reading a record or opening an image
stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pag.allocator import keep_freed_memory as keep_freed_memory
from pag.checkpoints import add_model_options as add_model_options
from pag.checkpoints import chosen_checkpoint as chosen_checkpoint
from pag.checkpoints import other_models as other_models
from pag.config import LABEL_SETS as LABEL_SETS
from pag.config import PAGConfig as PAGConfig
from pag.errors import BudgetError as BudgetError
from pag.errors import InputError as InputError
from pag.errors import PAGError as PAGError
from pag.errors import WeightsError as WeightsError
from pag.export import at_image_size as at_image_size
from pag.export import summary as summary
from pag.export import write_folder as write_folder
from pag.images import Picture as Picture
from pag.images import open_image as open_image
from pag.inference import TASKS as TASKS
from pag.inference import GateRecord as GateRecord
from pag.inference import Inference as Inference
from pag.steering import steering_at as steering_at

if TYPE_CHECKING:
    from pag.machine import learn as learn
    from pag.network import PAGNet as PAGNet
    from pag.predictor import Predictor as Predictor

_LAZY = {"PAGNet": "pag.network", "Predictor": "pag.predictor", "learn": "pag.machine"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'pag' has no attribute {name!r}")
