"""ONNX files of encoder and decoder, for runtimes without PyTorch, checked before they are left.

Two files, because a photo is encoded once and decoded for every prompt:

``encoder.onnx``  image ``(1, 3, S, S)`` float32 RGB in [0, 1], the photo in the upper left corner,
                  black elsewhere -> ``coarse, middle, fine, part, object, edges`` and ``embedding``
``decoder.onnx``  the first five of these maps, points ``(P, N, 2)``, kinds ``(P, N)``, text
                  ``(P, D)``, mask ``(P, 1, S/4, S/4)``, has_mask (P,) -> masks
                  ``(P, 3, S/4, S/4)`` logits, iou ``(P, 3)``; any P >= 1
"""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from partclipseg.errors import InputError, PartCLIPSegError
from partclipseg.modeling.adapter import PartFeatures
from partclipseg.modeling.partclipseg import PartCLIPSeg
from partclipseg.modeling.prompt_encoder import PADDING, POSITIVE, PromptBatch

MAPS = ("coarse", "middle", "fine", "part", "object", "edges")
PROMPTS = ("points", "kinds", "text", "mask", "has_mask")
TOLERANCE = 1e-3
PACKAGES = ("onnx", "onnxruntime", "onnxscript")
POINTS = 4  # a prompt's points and corners in the decoder's file; fewer are padded


class _Encoder(nn.Module):
    def __init__(self, model: PartCLIPSeg) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        features, embedding = self.model.encode(image)
        return (*features, embedding)


class _Decoder(nn.Module):
    def __init__(self, model: PartCLIPSeg) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, coarse: Tensor, middle: Tensor, fine: Tensor, part: Tensor, object: Tensor,
        points: Tensor, kinds: Tensor, text: Tensor, mask: Tensor, has_mask: Tensor,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        # The decoder does not look at the edges.
        features = PartFeatures(coarse, middle, fine, part, object, coarse)
        return self.model.decode(features, PromptBatch(points, kinds, text, mask, has_mask))


def example_prompts(model: PartCLIPSeg, count: int, seed: int = 0) -> dict[str, Tensor]:
    """Random prompts by the decoder's input names, for tracing and for checking."""
    random = torch.Generator().manual_seed(seed)
    size = model.config.image_size
    kinds = torch.full((count, POINTS), PADDING)
    kinds[:, 0] = POSITIVE
    return {
        "points": torch.rand(count, POINTS, 2, generator=random) * (size - 1),
        "kinds": kinds,
        "text": nn.functional.normalize(
            torch.randn(count, model.config.embed_dim, generator=random), dim=-1
        ),
        "mask": torch.randn(count, 1, size // 4, size // 4, generator=random),
        "has_mask": torch.arange(count) % 2 == 1,
    }


def export(model: PartCLIPSeg, folder: Path) -> dict[str, float]:
    """Write both files and ``model.json`` to ``folder`` and compare them with PyTorch.

    Returns:
        the largest difference of each output, relative to the output's largest value.

    Raises:
        InputError: a package for the export is missing.
        PartCLIPSegError: an output differs by more than 0.001.
    """
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        raise InputError(
            f"The export needs {', '.join(missing)}: pip install -r requirements-export.txt."
        )
    folder.mkdir(parents=True, exist_ok=True)
    model = model.cpu().eval()
    size = model.config.image_size
    image = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        maps = _Encoder(model)(image)
        _write(_Encoder(model), {"image": image}, (*MAPS, "embedding"), folder / "encoder.onnx")
        given = dict(zip(MAPS[:5], maps, strict=False)) | example_prompts(model, 3)
        prompts = torch.export.Dim("prompts", min=1, max=4096)
        shapes = {k: {0: prompts} if k in PROMPTS else None for k in given}
        _write(_Decoder(model), given, ("masks", "iou"), folder / "decoder.onnx", shapes)
    facts = {"image_size": size, "points": POINTS, "embed_dim": model.config.embed_dim,
             "model": model.name}  # fmt: skip
    (folder / "model.json").write_text(json.dumps(facts, indent=2) + "\n")
    differences = compare(model, folder)
    if wrong := {k: v for k, v in differences.items() if v > TOLERANCE}:
        raise PartCLIPSegError(f"The ONNX files do not compute what the model does: {wrong}.")
    return differences


def _write(
    module: nn.Module,
    inputs: dict[str, Tensor],
    outputs: tuple[str, ...],
    path: Path,
    shapes: dict | None = None,
) -> None:
    program = torch.onnx.export(
        module.eval(), kwargs=inputs, input_names=list(inputs), output_names=list(outputs),
        dynamic_shapes=shapes, dynamo=True, verbose=False,
    )  # fmt: skip
    assert program is not None  # noqa: S101 - dynamo always returns one
    program.save(str(path), external_data=False)


def compare(model: PartCLIPSeg, folder: Path, counts: tuple[int, ...] = (1, 5)) -> dict[str, float]:
    """Largest relative difference between onnxruntime and PyTorch, by output."""
    import onnxruntime

    size = model.config.image_size
    image = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(1))
    encoder = onnxruntime.InferenceSession(folder / "encoder.onnx")
    decoder = onnxruntime.InferenceSession(folder / "decoder.onnx")
    out: dict[str, float] = {}
    with torch.inference_mode():
        expected = _Encoder(model)(image)
        got = encoder.run(None, {"image": image.numpy()})
        for name, a, b in zip((*MAPS, "embedding"), expected, got, strict=True):
            out[name] = _difference(a.numpy(), b)
        maps = dict(zip(MAPS[:5], expected, strict=False))
        for count in counts:
            prompts = example_prompts(model, count, seed=count)
            answers = _Decoder(model)(**maps, **prompts)
            feed = {k: v.numpy() for k, v in (maps | prompts).items()}
            found = decoder.run(None, feed)
            for name, a, b in zip(("masks", "iou"), answers, found, strict=True):
                out[name] = max(out.get(name, 0.0), _difference(a.numpy(), b))
    return out


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max() / max(1.0, float(np.abs(a).max())))
