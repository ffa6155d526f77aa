"""What evaluation asks of a model, and of those who score its answers."""

from collections.abc import Sequence
from typing import Any, Protocol

from partclipseg.datasets import PhotoRecord
from partclipseg.evaluation.metrics import Mask
from partclipseg.evaluation.report import Scores
from partclipseg.results import Labels, Segmentation


class Predictor(Protocol):
    """What is asked of a model; ``partclipseg.PartPredictor`` is one."""

    @property
    def name(self) -> str: ...
    def encode(self, image: Any) -> Any: ...
    def compete(self, region: Mask, object: str, parts: Sequence[str], *, photo: Any) -> Any: ...
    def segment(self, text: str, *, photo: Any) -> Segmentation: ...
    def predict(self, points: Any, point_labels: Any, *, mask: Any, photo: Any) -> Segmentation: ...
    def label(self, masks: Any, names: Sequence[str], *, photo: Any) -> Labels: ...


class Scorer(Protocol):
    """Collects what a protocol counts, photo by photo."""

    def add(self, record: PhotoRecord, photo: Any) -> None: ...
    def scores(self) -> Scores: ...
