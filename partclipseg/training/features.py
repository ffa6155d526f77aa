"""A tower's maps of a batch; those of a frozen tower are computed once and kept on disk."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from partclipseg.clip.backbone import Backbone

SPARE = 2 * 2**30  # bytes that are left free on the disk, whatever the limit


class Features:
    """The maps of pictures, from the tower or from where they were kept.

    Args:
        folder: for the kept maps, one file a view; float16.
        limit_gb: no more is kept beyond so many GB; the rest is computed every time.
        frozen: whether the tower stays as it is; otherwise nothing is kept.
    """

    def __init__(self, backbone: Backbone, folder: Path, limit_gb: float, frozen: bool) -> None:
        self.backbone, self.folder, self.frozen = backbone, folder, frozen
        self.left = int(limit_gb * 1e9)
        if frozen and folder.is_dir():
            self.left -= sum(f.stat().st_size for f in folder.glob("*.safetensors"))

    def __call__(self, images: Tensor, keys: Sequence[str]) -> tuple[Tensor, ...]:
        """``(B, 3, S, S)`` RGB in [0, 1] and the views' keys ("" = never seen again) -> maps."""
        if not self.frozen:
            return self.backbone.forward_maps(images)
        rows = [self._read(key) for key in keys]
        missing = [i for i, row in enumerate(rows) if row is None]
        if missing:
            with torch.no_grad():
                fresh = self.backbone.forward_maps(images[missing])
            for place, index in enumerate(missing):
                rows[index] = tuple(m[place] for m in fresh)
                self._keep(keys[index], rows[index])
        return tuple(
            torch.stack([m.to(images.device, images.dtype) for m in level])
            for level in zip(*[row for row in rows if row is not None], strict=True)
        )

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.safetensors"

    def _read(self, key: str) -> tuple[Tensor, ...] | None:
        if not key or not self._file(key).is_file():
            return None
        try:
            kept = load_file(self._file(key))
        except (SafetensorError, OSError):
            return None  # damaged: it is written anew
        return tuple(kept[str(i)] for i in range(len(kept)))

    def _keep(self, key: str, maps: Sequence[Tensor] | None) -> None:
        if not key or maps is None:
            return
        size = sum(2 * m.numel() for m in maps)
        self.folder.mkdir(parents=True, exist_ok=True)
        if size > self.left or shutil.disk_usage(self.folder).free < size + SPARE:
            return
        temporary = self.folder / f".{key}.{os.getpid()}"
        save_file({str(i): m.half().cpu().contiguous() for i, m in enumerate(maps)}, temporary)
        temporary.replace(self._file(key))
        self.left -= size
