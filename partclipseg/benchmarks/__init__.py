"""Public benchmarks as their publishers hand them out, read as ``PartDataset``.

``READERS`` has one reader a format, each ``(folder, split) -> PartDataset``; ``datasets.write``
makes a folder of this project's own form of it. Where a benchmark has published unseen classes,
``unseen`` gives them.
"""

from collections.abc import Callable
from pathlib import Path

from partclipseg.benchmarks import coco, ovparts
from partclipseg.datasets import PartDataset

READERS: dict[str, Callable[[Path, str], PartDataset]] = {
    "partimagenet": coco.partimagenet,
    "pascal-part-116": ovparts.pascal_part_116,
    "ade20k-part-234": ovparts.ade20k_part_234,
    "paco-lvis": coco.paco_lvis,
    "coco": coco.instances,
    "lvis": coco.lvis,
}
"""Format -> reader. ``coco`` and ``lvis`` have whole objects only: data for mask pre-training."""


def unseen(name: str) -> dict[str, object] | None:
    """The objects that a benchmark keeps out of training, as ``evaluate --novel`` reads them.

    None for a format without a published list that we know for certain.
    """
    if name not in ovparts.TABLES:
        return None
    table = ovparts.table(name)
    return {"note": table.source, "objects": list(table.unseen), "parts": []}
