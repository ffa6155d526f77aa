"""PartCLIPSeg: parts of objects, found by clicks, boxes and words.

    >>> from partclipseg import PartPredictor, load
    >>> predictor = PartPredictor(load("lite"))
    >>> photo = predictor.encode("car.jpg")
    >>> found = predictor.segment("car: wheel, front door", photo=photo)

The public names are imported when they are first used, so that ``import partclipseg`` (and with it
``python -m partclipseg --help``) takes milliseconds and needs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from partclipseg.encoding import EncodedPhoto
    from partclipseg.errors import (
        CheckpointError,
        InputError,
        ModelNotFoundError,
        PartCLIPSegError,
    )
    from partclipseg.images import Photo
    from partclipseg.loading import load
    from partclipseg.predictor import PartPredictor
    from partclipseg.prompts import Prompts, Query
    from partclipseg.results import Labels, PartMask, Segmentation

__version__ = "0.1.0"

_HOMES = {
    "CheckpointError": "errors",
    "EncodedPhoto": "encoding",
    "InputError": "errors",
    "Labels": "results",
    "ModelNotFoundError": "errors",
    "PartCLIPSegError": "errors",
    "PartMask": "results",
    "PartPredictor": "predictor",
    "Photo": "images",
    "Prompts": "prompts",
    "Query": "prompts",
    "Segmentation": "results",
    "load": "loading",
}

__all__ = [
    "CheckpointError",
    "EncodedPhoto",
    "InputError",
    "Labels",
    "ModelNotFoundError",
    "PartCLIPSegError",
    "PartMask",
    "PartPredictor",
    "Photo",
    "Prompts",
    "Query",
    "Segmentation",
    "__version__",
    "load",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
