"""The architecture as data: JSON -> frozen dataclasses -> ``build``."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from partclipseg.errors import CheckpointError


@dataclass(frozen=True)
class AdapterConfig:
    """CLIP2PartSeg: widths of the pyramid (strides >= 8, stride 4) and of the projection."""

    width: int = 128
    fine_width: int = 64
    projection_width: int = 256
    heads: int = 4
    context_layers: int = 1


@dataclass(frozen=True)
class DecoderConfig:
    """Prompt encoder and mask decoder share ``width``."""

    width: int = 128
    layers: int = 2
    heads: int = 4
    mlp_width: int = 256
    mask_width: int = 32


@dataclass(frozen=True)
class ModelConfig:
    """A whole PartCLIPSeg.

    Attributes:
        backbone: name of the CLIP model, ``"lite"`` or an open_clip ``NAME/PRETRAINED``.
        image_size: long side in pixels that photos are encoded at.
        embed_dim: width of the CLIP space.
    """

    backbone: str = "lite"
    image_size: int = 448
    embed_dim: int = 384
    adapter: AdapterConfig = field(default_factory=AdapterConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)

    def to_json(self) -> dict[str, Any]:
        """A plain dict that ``from_json`` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ModelConfig":
        """Inverse of ``to_json``. Raises CheckpointError on unknown keys or wrong types."""
        nested = {"adapter": AdapterConfig, "decoder": DecoderConfig}
        values = {k: _read(nested[k], v) if k in nested else v for k, v in data.items()}
        return _read(cls, values)


def _read(cls: type, data: Any) -> Any:
    if not isinstance(data, Mapping):
        raise CheckpointError(f"The architecture's {cls.__name__} must be an object, not {data!r}.")
    known = {f.name: f.type for f in fields(cls)}
    if unknown := sorted(set(data) - set(known)):
        raise CheckpointError(
            f"The architecture names {', '.join(unknown)}, which this version does not know; "
            f"{cls.__name__} has {', '.join(known)}."
        )
    for name, value in data.items():
        wanted = known[name]
        if wanted in (int, str) and type(value) is not wanted:
            raise CheckpointError(
                f"The architecture's {name} must be {wanted.__name__}, not {value!r}."
            )
    return cls(**data)
