"""Training: data, simulated prompts, losses, loop. Imported by nobody but the command line."""

from pathlib import Path
from typing import Any


def run(*args: Any, **kwargs: Any) -> Path:
    """See ``partclipseg.training.loop.run``; imported on use, because it brings in torch."""
    from partclipseg.training.loop import run as run_loop

    return run_loop(*args, **kwargs)


def pack_data(config: str | Path, data: Path, file: Path, *, limit_mb: float) -> int:
    """The training data of a recipe's sets in one small file; see ``training.pack.pack``."""
    from partclipseg.training.pack import pack
    from partclipseg.training.recipe import Recipe

    return pack(list(Recipe.read(config).sets), data, file, limit_mb=limit_mb)
