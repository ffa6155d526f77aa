"""Any CLIP model that open_clip knows, by ``NAME/PRETRAINED``, as a ``Backbone``."""

import difflib
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pickle import UnpicklingError
from typing import Any

import open_clip
import torch
import torch.nn.functional as F
from huggingface_hub import constants
from torch import Tensor, nn

from partclipseg.clip import dense
from partclipseg.clip.backbone import Backbone, ImageFeatures
from partclipseg.clip.towers import wrap
from partclipseg.errors import CheckpointError, InputError, ModelNotFoundError

_EXAMPLE = "ViT-B-16-quickgelu/openai"
_WITHOUT_DOWNLOAD = 'the bundled model "lite" works without any download'
_HUB, _LOCAL = "hf-hub:", "local-dir:"
# By tag, and only where the publisher's own repository was read; elsewhere it is not known here.
_LICENCES = {"openai": "MIT"}
_TEXTS_AT_ONCE = 256
# How open_clip's RuntimeErrors begin when it could not get the weights.
_FETCH_FAILURES = ("Failed to download", "Failed initial", "Required pretrained weights")


@dataclass(frozen=True)
class Source:
    """Where a model comes from: open_clip's name for it, and a tag or file of weights, if any."""

    model: str
    weights: str | None

    def __str__(self) -> str:
        return self.model if self.weights is None else f"{self.model}/{self.weights}"


class HubBackbone(Backbone):
    """A CLIP model of open_clip's, frozen and in evaluation mode.

    Its last map lies in the CLIP space: every place pooled and projected alone.

    Attributes:
        image_size: (height, width) in pixels that the image tower's positions are laid out for.
            Other sizes work too; the positions, or the photo, are then resized.
    """

    image_size: tuple[int, int]

    def __init__(self, model: nn.Module, source: Source, variant: str = dense.DEFAULT) -> None:
        visual: Any = model.visual
        embed_dim = int(_config(source)["embed_dim"])
        tower = wrap(visual, embed_dim, variant)
        super().__init__(
            name=str(source),
            embed_dim=embed_dim,
            channels=tower.channels,
            strides=tower.strides,
            mean=visual.preprocess_cfg["mean"],
            std=visual.preprocess_cfg["std"],
            licence=_LICENCES.get(source.weights or ""),
        )
        self.model = model
        self.tower = tower
        self.image_size = _pair(visual.image_size)
        self._source = source
        self._tokenizer: Any = None
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> ImageFeatures:
        """See ``Backbone.forward``. InputError: a side is no multiple of the coarsest stride."""
        height, width = images.shape[-2:]
        step = self.strides[-1]
        if height % step or width % step or not height or not width:
            raise InputError(
                f"{self.name} needs sides that are multiples of {step} pixels, "
                f"not {width} x {height}"
            )
        taken = self.tower.input_size(height, width)
        if taken != (height, width):
            images = _resize(images, taken)
        maps, embedding = self.tower(self.normalise(images))
        sizes = [(height // stride, width // stride) for stride in self.strides]
        return ImageFeatures(
            maps=tuple(_resize(x, size) for x, size in zip(maps, sizes, strict=True)),
            embedding=F.normalize(embedding, dim=-1),
        )

    def dense(self, images: Tensor) -> Tensor:
        """See ``Backbone.dense``. A ViT looks through windows of the size it was trained at."""
        return dense.sliding(self, images) if self._has_one_grid else super().dense(images)

    @property
    def _has_one_grid(self) -> bool:
        return len(set(self.strides)) == 1

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """See ``Backbone.encode_text``. A text longer than the model's context is cut by open_clip.

        Raises:
            ModelNotFoundError: the tokenizer is not on this machine and cannot be fetched.
        """
        device = self._mean.device
        vectors = [torch.empty(0, self.embed_dim, device=device)]
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            tokens = self.tokenizer(list(texts[start : start + _TEXTS_AT_ONCE])).to(device)
            encode: Any = self.model.encode_text
            vectors.append(encode(tokens, normalize=True).float())
        return torch.cat(vectors)

    @property
    def tokenizer(self) -> Any:
        """open_clip's tokenizer for this model, made at first use."""
        if self._tokenizer is None:
            self._tokenizer = _tokenizer(self._source)
        return self._tokenizer


def load_open_clip(
    spec: str,
    *,
    device: str | torch.device = "cpu",
    random_weights: bool = False,
    image_size: int | None = None,
    variant: str = dense.DEFAULT,
) -> HubBackbone:
    """Load a CLIP model that open_clip knows.

    Args:
        spec: ``NAME/PRETRAINED`` where PRETRAINED is a tag of ``open_clip.list_pretrained()`` or a
            file of weights, or ``hf-hub:OWNER/REPO`` or ``local-dir:FOLDER``.
        random_weights: build the architecture only, nothing is downloaded; for tests. PRETRAINED
            may then be left out.
        image_size: lay the image tower out for squares of this many pixels. Without it, for the
            size it was trained at.
        variant: how a ViT's last block mixes places, one of ``dense.VARIANTS``.

    Raises:
        ModelNotFoundError: unknown name or tag, or weights or a tokenizer that cannot be had here.
        CheckpointError: a file of weights that is damaged or made for another architecture.
        InputError: an image size that the tower cannot take.
    """
    dense.checked(variant)
    source = _resolve(spec, needs_weights=not random_weights)
    if not random_weights:
        _tokenizer(source)  # before gigabytes of weights are fetched in vain
    with _quiet():
        model = _create(source, random_weights=random_weights, image_size=image_size)
    return HubBackbone(model, source, variant).to(device)


def _resolve(spec: str, *, needs_weights: bool) -> Source:
    if spec.startswith(_LOCAL):
        if not os.path.isfile(os.path.join(spec.removeprefix(_LOCAL), "open_clip_config.json")):
            raise ModelNotFoundError(f"{spec} names no folder with a file open_clip_config.json")
        return Source(spec, None)
    if spec.startswith(_HUB):
        return Source(spec, None)
    model, _, weights = spec.partition("/")
    names = open_clip.list_models()
    if model not in names:
        hint = _close(model, names) or f"a model is named like {_EXAMPLE}"
        raise ModelNotFoundError(f"open_clip has no model {model!r}; {hint}")
    if not weights:
        if needs_weights:
            tags = ", ".join(open_clip.list_pretrained_tags_by_model(model)) or "none"
            raise ModelNotFoundError(
                f"{model!r} leaves the weights open: ask for {model}/WEIGHTS, with one of: {tags}"
            )
        return Source(model, None)
    return _with_matching_activation(Source(model, weights))


def _with_matching_activation(source: Source) -> Source:
    """The ``-quickgelu`` variant of the model where the weights were trained with it.

    open_clip only warns when ``ViT-B-16`` is filled with OpenAI's weights, which were trained with
    QuickGELU, and the features are then quietly worse.
    """
    model, weights = source.model, source.weights or ""
    known = open_clip.get_pretrained_cfg(model, weights)
    if not known:
        if os.path.isfile(weights):
            return source
        tags = open_clip.list_pretrained_tags_by_model(model)
        hint = _close(weights, tags) or f"known are: {', '.join(tags) or 'none'}"
        raise ModelNotFoundError(f"open_clip has no weights {weights!r} for {model}; {hint}")
    config = open_clip.get_model_config(model) or {}
    if config.get("quick_gelu") or not known.get("quick_gelu"):
        return source
    if open_clip.get_pretrained_cfg(f"{model}-quickgelu", weights):
        return Source(f"{model}-quickgelu", weights)
    raise ModelNotFoundError(
        f"{source} cannot be used: the weights were trained with QuickGELU, which no variant of "
        f"{model} has"
    )


def _create(source: Source, *, random_weights: bool, image_size: int | None) -> nn.Module:
    config = _config(source)
    if "hf_model_name" in config["text_cfg"]:
        _require_transformers(source)
    settings: dict[str, Any] = {"force_image_size": _checked(image_size, source, config)}
    if random_weights:
        known = open_clip.get_pretrained_cfg(source.model, source.weights or "") or {}
        settings |= {"load_weights": False, "pretrained_text": False}
        settings["force_preprocess_cfg"] = {k: known[k] for k in ("mean", "std") if k in known}
    else:
        settings |= {"pretrained": source.weights, "require_pretrained": True}
    try:
        return open_clip.create_model(source.model, **settings)
    except (RuntimeError, OSError, ValueError, EOFError, UnpicklingError) as error:
        is_file = source.weights is not None and os.path.isfile(source.weights)
        if not is_file and (isinstance(error, OSError) or str(error).startswith(_FETCH_FAILURES)):
            raise _cannot_fetch(str(source), "the file of its weights") from error
        raise CheckpointError(
            f"{source} cannot be loaded: the file is damaged, or not made for this architecture"
        ) from error


def _config(source: Source) -> dict[str, Any]:
    """open_clip's description of the architecture; a model of the Hub's own keeps it there."""
    try:
        config = open_clip.get_model_config(source.model)
    except (OSError, RuntimeError, ValueError) as error:
        raise _cannot_fetch(str(source), "its description") from error
    if not config or not {"embed_dim", "vision_cfg", "text_cfg"} <= set(config):
        raise ModelNotFoundError(f"{source} is not described in the way that open_clip expects")
    return dict(config)


def _checked(image_size: int | None, source: Source, config: dict[str, Any]) -> int | None:
    """The image size to build the tower with."""
    vision = config["vision_cfg"]
    patch = vision.get("patch_size", 1)
    if image_size is not None and (image_size < 32 or image_size % patch):
        raise InputError(
            f"{source.model} cannot be laid out for {image_size} pixels, "
            f"only for multiples of {patch} from 32 on"
        )
    # open_clip does not resize a ResNet's positions at load; ResNetTower does so at every call.
    return None if isinstance(vision.get("layers"), list) else image_size


def _tokenizer(source: Source) -> Any:
    text = _config(source)["text_cfg"]
    if "hf_tokenizer_name" in text or "hf_model_name" in text:
        _require_transformers(source)
    try:
        with _quiet():
            return open_clip.get_tokenizer(source.model)
    except (OSError, RuntimeError, ValueError) as error:
        raise _cannot_fetch(str(source), "its tokenizer") from error


def _require_transformers(source: Source) -> None:
    if find_spec("transformers") is None:
        raise ModelNotFoundError(
            f"{source} reads its texts with the package transformers, which is not installed "
            f'("pip install transformers"); {_WITHOUT_DOWNLOAD}'
        )


def _cannot_fetch(name: str, what: str) -> ModelNotFoundError:
    tried = "offline mode is on" if constants.HF_HUB_OFFLINE else "which did not give it"
    return ModelNotFoundError(
        f"{name} cannot be loaded: {what} was looked for in {constants.HF_HUB_CACHE}, then at the "
        f"Hugging Face Hub ({tried}); load it once with a connection, or remember that "
        f"{_WITHOUT_DOWNLOAD}"
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep open_clip from logging, at length, what is about to be raised in one sentence."""

    def not_open_clip(record: logging.LogRecord) -> bool:
        return f"{os.sep}open_clip{os.sep}" not in record.pathname

    root = logging.getLogger()
    root.addFilter(not_open_clip)
    try:
        yield
    finally:
        root.removeFilter(not_open_clip)


def _close(word: str, known: Iterable[str]) -> str:
    """``"close to it: a, b"`` or an empty string; upper and lower case are the same."""
    folded = {name.casefold(): name for name in known}
    matches = difflib.get_close_matches(word.casefold(), list(folded), n=3, cutoff=0.5)
    return "close to it: " + ", ".join(folded[match] for match in matches) if matches else ""


def _pair(size: int | Sequence[int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))


def _resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, antialiased when shrinking; half-pixel centres."""
    if x.shape[-2:] == size:
        return x
    return F.interpolate(x, size=size, mode="bilinear", antialias=True, align_corners=False)
