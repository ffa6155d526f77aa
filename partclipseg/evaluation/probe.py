"""A linear probe: what the frozen tower's maps give away of a closed list of names.

One linear layer from the tower's maps (strides 8, 16 and 32, brought to stride 8 and stacked) to
the (object, part) pairs of one set and "none of these", trained on cells of its training photos.
It says how far the tower goes when the words do not matter; it answers no other words.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from partclipseg import images
from partclipseg.datasets import WHOLE, PartDataset, PhotoRecord
from partclipseg.errors import InputError
from partclipseg.evaluation.baselines import Pixels, Scores, Seen, framed
from partclipseg.evaluation.metrics import NOTHING, LabelMap, label_map
from partclipseg.evaluation.targets import mask_of
from partclipseg.prompts import Query

if TYPE_CHECKING:
    from partclipseg.modeling.partclipseg import PartCLIPSeg

CELLS = 40  # of each class in each photo
EPOCHS, BATCH, RATE, DECAY = 20, 4096, 3e-3, 1e-4

Progress = Callable[[Sequence[PhotoRecord]], Iterable[PhotoRecord]]


class LinearProbe(Pixels):
    """Made by ``train``; asked for names of its own set only."""

    def __init__(self, model: "PartCLIPSeg", pairs: Sequence[tuple[str, str]]) -> None:
        self.model = model
        self.name = f"linear probe ({model.name})"
        self.pairs = list(pairs)
        self.index = {
            (owner.casefold(), part.casefold()): i for i, (owner, part) in enumerate(pairs)
        }
        self.layer = nn.Linear(sum(model.backbone.channels[1:]), len(self.pairs) + 1)
        self.mean, self.std = torch.zeros(1), torch.ones(1)

    def encode(self, image: Any) -> Seen:
        photo = images.read(image)
        frame, stacked = _features(self.model, photo)
        with torch.inference_mode():
            cells = (stacked.flatten(1).T - self.mean) / self.std
            logits = self.layer(cells).T.unflatten(1, stacked.shape[1:])
        return Seen(photo, (frame, logits.numpy()))

    def scores(self, photo: Seen, queries: Sequence[Query]) -> Scores:
        """Raises InputError for a name that the set does not have."""
        frame, logits = photo.data
        rows = []
        for query in queries:
            key = ((query.object or "").casefold(), (query.part or WHOLE).casefold())
            row = self.index.get(key)
            if row is None:
                raise InputError(f'The linear probe was not trained on "{query.label}".')
            rows.append(frame.map_to_photo(logits[row]))
        return np.stack(rows)

    def nothing(self, photo: Seen) -> NDArray[np.float32]:
        frame, logits = photo.data
        found: NDArray[np.float32] = frame.map_to_photo(logits[-1])
        return found


def train(
    model: "PartCLIPSeg", dataset: PartDataset, *, seed: int = 0, progress: Progress = iter
) -> LinearProbe:
    """Fit a probe to a training split; minutes a set on two cores, most of it for the maps.

    Raises:
        InputError: a split without masks.
    """
    probe = LinearProbe(model, dataset.pairs)
    rng = np.random.default_rng(seed)
    drawn = [_cells(model, record, dataset, probe, rng) for record in progress(dataset.images)]
    if not any(len(classes) for _, classes in drawn):
        raise InputError(f"{dataset.name}/{dataset.split} has no masks to train a probe on.")
    cells = torch.cat([cells for cells, _ in drawn]).float()
    classes = torch.cat([classes for _, classes in drawn])
    probe.mean, probe.std = cells.mean(0), cells.std(0).clamp(min=1e-4)
    _fit(probe.layer, (cells - probe.mean) / probe.std, classes, seed)
    return probe


def _fit(layer: nn.Linear, cells: Tensor, classes: Tensor, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=RATE, weight_decay=DECAY)
    # Cells were drawn in equal numbers a class and photo; rare classes are rare photos then.
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(cells), generator=generator).split(BATCH):
            optimizer.zero_grad()
            F.cross_entropy(layer(cells[chosen]), classes[chosen]).backward()
            optimizer.step()


@torch.inference_mode()
def _features(model: "PartCLIPSeg", photo: images.Photo) -> tuple[Any, Tensor]:
    """The photo's frame and ``(C, H/8, W/8)``."""
    frame, pixels = framed(photo, model)
    maps = model.backbone.forward_maps(pixels)[1:]
    size = maps[0].shape[-2:]
    grown = [F.interpolate(m, size, mode="bilinear", align_corners=False) for m in maps]
    return frame, torch.cat(grown, 1)[0].cpu()


def _cells(
    model: "PartCLIPSeg",
    record: PhotoRecord,
    dataset: PartDataset,
    probe: LinearProbe,
    rng: np.random.Generator,
) -> tuple[Tensor, Tensor]:
    """Up to ``CELLS`` cells of each class of a photo: ``(N, C)`` float16 and ``(N,)`` classes."""
    frame, stacked = _features(model, images.read(record.path))
    height, width = stacked.shape[1:]
    centres = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).reshape(-1, 2)
    places = np.round(frame.points_to_photo((centres + 0.5) * 8 - 0.5)).astype(int)
    inside = (places[:, 0] < record.width) & (places[:, 1] < record.height)
    places = np.maximum(places, 0)[inside]
    classes = _truth(record, dataset, probe)[places[:, 1], places[:, 0]]
    chosen: list[int] = []
    for index in np.unique(classes[classes != NOTHING]):
        found = np.flatnonzero(classes == index)
        chosen += rng.permutation(found)[:CELLS].tolist()
    cells = stacked.flatten(1).T[torch.from_numpy(np.flatnonzero(inside)[chosen])]
    return cells.half(), torch.from_numpy(classes[chosen].astype(np.int64))


def _truth(record: PhotoRecord, dataset: PartDataset, probe: LinearProbe) -> LabelMap:
    """The class of every pixel; ``NOTHING`` where a part may be that has no mask."""
    masks = [mask_of(record, annotation.rle) for annotation in record.annotations]
    indices = [probe.pairs.index((a.object, a.part)) for a in record.annotations]
    truth = label_map((record.height, record.width), masks, indices)
    unknown = np.zeros(truth.shape, bool)
    if not dataset.exhaustive:
        for entry in record.objects:
            unknown |= mask_of(record, entry.rle)
    truth[(truth == NOTHING) & ~unknown] = len(probe.pairs)
    return truth
