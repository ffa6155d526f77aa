"""An endless, balanced, seeded stream of training samples."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from torch.utils.data import IterableDataset

from partclipseg import datasets
from partclipseg.training.samples import Sample, SampleConfig, make_sample


class SampleStream(IterableDataset):
    """Step ``n`` always gives the same batch, so a resumed run sees what an unbroken one would.

    With ``views``, every photo has so many fixed views, which a frozen tower has to see only once;
    without, every view is a new one.

    Of ``size`` processes, the one of ``rank`` makes every ``size``-th sample; together they have
    the batch that one process would have.

    Sets are drawn by ``weight * sqrt(photos)``; inside a set, photos of rare parts are drawn more
    often (inverse square root of how many photos show the rarest part of the photo).
    """

    def __init__(
        self, sets: Sequence[datasets.PartDataset], weights: Mapping[str, float],
        config: SampleConfig, batch: int, seed: int, first_step: int = 0, rank: int = 0,
        size: int = 1, views: int = 0,
    ) -> None:  # fmt: skip
        self.sets, self.config, self.batch = list(sets), config, batch
        self.seed, self.first_step = seed, first_step
        self.rank, self.size, self.views = rank, size, views
        share = np.array([weights.get(s.name, 1.0) * np.sqrt(len(s.images)) for s in sets])
        self.set_share = share / share.sum()
        self.photo_share = [_photo_share(s) for s in sets]

    def __iter__(self) -> Iterator[list[Sample]]:
        step = self.first_step
        while True:
            yield self.batch_at(step)
            step += 1

    def batch_at(self, step: int) -> list[Sample]:
        """This process's samples of one step."""
        rng = np.random.default_rng((self.seed, step))
        batch = []
        sets = rng.choice(len(self.sets), self.batch, p=self.set_share)
        for number in range(self.rank, self.batch, self.size):
            dataset, shares = self.sets[sets[number]], self.photo_share[sets[number]]
            rng = np.random.default_rng((self.seed, step, number))
            index = int(rng.choice(len(dataset.images), p=shares))
            key = ""
            if self.views:
                view = int(rng.integers(self.views))
                rng = np.random.default_rng((self.seed, int(sets[number]), index, view, 2))
                key = f"{dataset.name}-{index}-{view}"
            sample = make_sample(dataset, dataset.images[index], self.config, rng)
            sample.key = key
            batch.append(sample)
        return batch


def _photo_share(dataset: datasets.PartDataset) -> np.ndarray:
    shown = [{(a.object, a.part) for a in i.annotations} for i in dataset.images]
    counts: dict[tuple[str, str], int] = {}
    for names in shown:
        for name in names:
            counts[name] = counts.get(name, 0) + 1
    rare = [max((1 / np.sqrt(counts[n]) for n in names), default=0.0) for names in shown]
    share = np.array(rare) if sum(rare) else np.ones(len(shown))
    return share / share.sum()


def read_sets(data: Path, names: Mapping[str, float], split: str) -> list[datasets.PartDataset]:
    """The sets that a recipe names, in its order; one without masks is known by its labels."""
    return [
        datasets.read_shown(data / name)
        if (data / name / "labels.json").is_file()
        else datasets.read(data / name, split)
        for name in names
    ]
