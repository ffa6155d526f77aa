"""Training: data, simulated prompts, losses, loop. Imported by nobody but the command line."""

from pathlib import Path
from typing import Any


def run(*args: Any, **kwargs: Any) -> Path:
    """See ``partclipseg.training.loop.run``; imported on use, because it brings in torch."""
    from partclipseg.training.loop import run as run_loop

    return run_loop(*args, **kwargs)
