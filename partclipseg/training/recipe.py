"""A recipe: everything a training run depends on, read from one JSON file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from partclipseg.errors import InputError
from partclipseg.modeling.config import ModelConfig
from partclipseg.training.losses import LossWeights
from partclipseg.training.samples import SampleConfig


@dataclass(frozen=True)
class TextConfig:
    """Distillation of the text tower."""

    phrases: int = 300_000
    minutes: float = 14.0
    wordnet: str = "/usr/share/wordnet/data.noun"


@dataclass(frozen=True)
class Recipe:
    """One training run.

    Attributes:
        sets: share of each set's photos in a batch is ``weight * sqrt(photos)``.
        steps: optimizer steps in all; ``batch`` photos each.
        tower_lr, lr: peak learning rates of the image tower's blocks 2.. and of everything else.
        views: fixed views a photo, whose features are kept on disk; 0 = every view is new. Only for
            a tower that is not trained.
        cache_gb: the most that kept features may take, GB.
        words, withheld: JSON files beside the recipe (synonyms and groups; synonyms kept back).
    """

    model: ModelConfig = field(default_factory=ModelConfig)
    samples: SampleConfig = field(default_factory=SampleConfig)
    losses: LossWeights = field(default_factory=LossWeights)
    text: TextConfig = field(default_factory=TextConfig)
    sets: Mapping[str, float] = field(default_factory=dict)
    steps: int = 1000
    batch: int = 8
    lr: float = 1e-3
    tower_lr: float = 1.5e-4
    weight_decay: float = 0.02
    warmup: int = 50
    save_every: int = 50
    seed: int = 0
    views: int = 0
    cache_gb: float = 20.0
    words: str = "words.json"
    withheld: str = "withheld_synonyms.json"
    folder: Path = Path(".")

    @classmethod
    def read(cls, path: str | Path) -> "Recipe":
        """Read a recipe. Raises InputError on a missing file, bad JSON or unknown keys."""
        path = Path(path)
        if not path.is_file():
            raise InputError(f"The recipe {path} does not exist.")
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise InputError(f"The recipe {path} is not JSON: {error}.") from error
        nested: dict[str, Any] = {
            "samples": SampleConfig,
            "losses": LossWeights,
            "text": TextConfig,
        }
        known = {f.name for f in fields(cls)} - {"folder"}
        if unknown := sorted(set(data) - known):
            raise InputError(f"The recipe {path} has unknown keys: {', '.join(unknown)}.")
        try:
            for key, kind in nested.items():
                if key in data:
                    values = data[key].items()
                    data[key] = kind(
                        **{k: tuple(v) if isinstance(v, list) else v for k, v in values}
                    )
            data["model"] = ModelConfig.from_json(data.get("model", {}))
            return cls(**data, folder=path.parent)
        except TypeError as error:
            raise InputError(f"The recipe {path} does not fit: {error}.") from error
