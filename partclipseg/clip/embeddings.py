"""A bounded cache of text embeddings that threads share."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor

from partclipseg.clip.backbone import Backbone


class TextEmbeddings:
    """Embeds phrases once; the least recently used go first when there are too many.

    Args:
        backbone: whose text tower embeds.
        capacity: phrases kept; 20,000 of width 384 are 30 MB.
    """

    def __init__(self, backbone: Backbone, capacity: int = 32_768) -> None:
        self.backbone = backbone
        self.capacity = capacity
        self._rows: OrderedDict[str, Tensor] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, phrases: Sequence[str], batch: int = 256) -> Tensor:
        """N phrases -> ``(N, D)`` unit vectors, in order."""
        with self._lock:
            known = {p: self._rows[p] for p in phrases if p in self._rows}
            for phrase in known:
                self._rows.move_to_end(phrase)
        missing = [p for p in dict.fromkeys(phrases) if p not in known]
        for start in range(0, len(missing), batch):
            chunk = missing[start : start + batch]
            with torch.inference_mode():
                known |= dict(zip(chunk, self.backbone.encode_text(chunk), strict=True))
        with self._lock:
            self._rows |= {p: known[p] for p in missing}
            while len(self._rows) > self.capacity:
                self._rows.popitem(last=False)
        if not phrases:
            return torch.zeros(0, self.backbone.embed_dim)
        return torch.stack([known[p] for p in phrases])
