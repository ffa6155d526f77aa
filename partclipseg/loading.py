"""From a model's name to a model."""

from pathlib import Path

from partclipseg.errors import InputError, ModelNotFoundError
from partclipseg.modeling.checkpoint import load_checkpoint
from partclipseg.modeling.partclipseg import PartCLIPSeg

HUB = "hf-hub:"
BUNDLED = Path("checkpoints") / "partclipseg-lite.safetensors"


def bundled_checkpoint() -> Path:
    """Where the bundled checkpoint lies: beside the package, or installed inside it."""
    here = Path(__file__).resolve().parent
    for folder in (here.parent, here):
        if (folder / BUNDLED).is_file():
            return folder / BUNDLED
    return here.parent / BUNDLED


def usable_device(device: str | None) -> str:
    """``device``, tried out; the best there is for None. Raises InputError where it fails."""
    import torch

    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InputError(
            f'The device "{device}" cannot be used here; name another one, such as cpu.'
        ) from error
    return device


def load(name: str = "lite", device: str | None = None) -> PartCLIPSeg:
    """Load a model, ready for inference; it may be shared between threads.

    Args:
        name: ``"lite"`` (bundled, needs no network), the path of a PartCLIPSeg ``.safetensors``
            checkpoint, ``hf-hub:OWNER/NAME`` of one on the Hugging Face Hub, or an open_clip
            ``NAME/PRETRAINED``, which then names the masks that the bundled model finds.
        device: e.g. ``"cpu"`` or ``"cuda"``; None takes CUDA where there is one.

    Raises:
        InputError: a device that is not there.
        ModelNotFoundError: an unknown name, or weights that cannot be had here.
        CheckpointError: a damaged or unsuitable checkpoint.
    """
    device = usable_device(device)
    if name == "lite":
        model = load_checkpoint(bundled_checkpoint(), device)
        model.name = name
        return model
    if name.endswith(".safetensors") or Path(name).is_file():
        model = load_checkpoint(name, device)
        model.name = Path(name).stem
        return model
    if name.startswith(HUB):
        from partclipseg.modeling import sharing

        try:
            model = sharing.from_pretrained(name.removeprefix(HUB), device=device)
            model.name = name
            return model
        except sharing.NotOurs:  # perhaps a CLIP of open_clip's, which is found below
            pass
    if "/" not in name:
        raise ModelNotFoundError(
            f"There is no model {name!r}: use 'lite', the path of a .safetensors checkpoint, or an "
            "open_clip NAME/PRETRAINED such as ViT-B-16-quickgelu/openai."
        )
    from partclipseg.clip.hub import load_open_clip

    backbone = load_open_clip(name, device=device)
    model = load_checkpoint(bundled_checkpoint(), device)
    model.name = name
    model.recognize_with(backbone)
    return model
