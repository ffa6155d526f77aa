"""One file a model: safetensors with the architecture and provenance in its metadata.

The metadata also holds the SHA-256 of the tensors, which is checked on loading.
Weights are stored as float16, the token embedding table (60% of all parameters) as int8 with one
scale a row; both become float32 on loading.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from partclipseg.errors import CheckpointError
from partclipseg.modeling.config import ModelConfig
from partclipseg.modeling.partclipseg import PartCLIPSeg, build

FORMAT_VERSION = "1"
QUANTIZED = "token_embedding.weight"
SCALE = ".int8_scale"
TOWER = "backbone."
BUNDLED_CLIP = "lite"  # the one CLIP that a checkpoint holds; others are named, not copied
DERIVED = ("attn_mask",)  # buffers that the architecture makes by itself


def save_checkpoint(model: PartCLIPSeg, path: str | Path, metadata: dict[str, Any]) -> None:
    """Write ``model`` to ``path`` (a temporary name first, so no half file is ever read)."""
    tensors: dict[str, Tensor] = {}
    borrowed = model.config.backbone != BUNDLED_CLIP
    for name, value in model.state_dict().items():
        if name.endswith(DERIVED) or (borrowed and name.startswith(TOWER)):
            continue
        value = value.detach().cpu()
        if name.endswith(QUANTIZED):
            scale = value.abs().amax(1).clamp(min=1e-8) / 127
            tensors[name] = (value / scale[:, None]).round().to(torch.int8)
            tensors[name + SCALE] = scale
        else:
            tensors[name] = (value.half() if value.is_floating_point() else value).contiguous()
    header = {
        "format": "partclipseg",
        "version": FORMAT_VERSION,
        "config": json.dumps(model.config.to_json()),
        "metadata": json.dumps(metadata),
        "sha256": _digest(tensors),
    }
    if borrowed:
        header["tower_sha256"] = _digest(model.backbone.state_dict())
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(save(tensors, metadata=header))
    temporary.replace(path)


def load_checkpoint(path: str | Path, device: torch.device | str = "cpu") -> PartCLIPSeg:
    """Read a model, in eval mode.

    Raises:
        CheckpointError: the file is missing, damaged, not a PartCLIPSeg checkpoint, or its tensors
            do not fit its architecture.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"The checkpoint {path} does not exist.")
    if path.suffix in {".pt", ".pth", ".pkl", ".bin", ".ckpt"}:
        raise CheckpointError(
            f"{path.name} is a pickle, which can run code when it is read; "
            "only .safetensors checkpoints are loaded."
        )
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path.name} is damaged or not a safetensors file ({error}); get it again."
        ) from error
    config, metadata = _read_header(header, path.name)
    if "sha256" in header and header["sha256"] != _digest(tensors):
        raise CheckpointError(
            f"{path.name} is damaged: its tensors do not have the SHA-256 that it names; "
            "get it again."
        )
    model = build(config)
    _check_tower(model, header, path.name)
    _fill(model, _dequantize(tensors), path.name)
    model.metadata = metadata
    return model.to(device).eval().requires_grad_(False)


def _digest(tensors: dict[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and bytes, in the order of names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _read_header(header: dict[str, str], name: str) -> tuple[ModelConfig, dict[str, Any]]:
    if header.get("format") != "partclipseg" or "config" not in header:
        raise CheckpointError(f"{name} is a safetensors file, but not a PartCLIPSeg checkpoint.")
    if header.get("version") != FORMAT_VERSION:
        raise CheckpointError(
            f"{name} has checkpoint version {header.get('version')}; "
            f"this release reads version {FORMAT_VERSION}."
        )
    try:
        config, metadata = json.loads(header["config"]), json.loads(header.get("metadata", "{}"))
    except json.JSONDecodeError as error:
        raise CheckpointError(f"{name} has a damaged header; get it again.") from error
    return ModelConfig.from_json(config), metadata


def _check_tower(model: PartCLIPSeg, header: dict[str, str], name: str) -> None:
    wanted = header.get("tower_sha256")
    if wanted is not None and wanted != _digest(model.backbone.state_dict()):
        raise CheckpointError(
            f"{name} was trained on other weights of {model.config.backbone} than those found here."
        )


def _dequantize(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    out = {}
    for name, value in tensors.items():
        if name.endswith(SCALE):
            continue
        if value.dtype == torch.int8 and name + SCALE in tensors:
            value = value.float() * tensors[name + SCALE][:, None]
        out[name] = value.float() if value.is_floating_point() else value
    return out


def _fill(model: PartCLIPSeg, tensors: dict[str, Tensor], name: str) -> None:
    borrowed = model.config.backbone != BUNDLED_CLIP
    own = {k: v for k, v in model.state_dict().items()
           if not k.endswith(DERIVED) and not (borrowed and k.startswith(TOWER))}  # fmt: skip
    missing, extra = sorted(set(own) - set(tensors)), sorted(set(tensors) - set(own))
    wrong = [k for k in set(own) & set(tensors) if own[k].shape != tensors[k].shape]
    if missing or extra or wrong:
        example = (missing + extra + wrong)[0]
        raise CheckpointError(
            f"{name} does not fit its architecture: {len(missing)} tensors missing, {len(extra)} "
            f"unknown, {len(wrong)} of another shape (for example {example})."
        )
    if bad := [k for k, v in tensors.items() if v.is_floating_point() and not v.isfinite().all()]:
        raise CheckpointError(f"{name} holds values that are not finite (for example in {bad[0]}).")
    model.load_state_dict(tensors, strict=False)
