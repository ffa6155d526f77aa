"""Checkpoints in folders and on the Hugging Face Hub: the file, its architecture and a model card.

The three verbs are those of ``huggingface_hub.PyTorchModelHubMixin``, which users of the Hub know;
the mixin itself is not used because its weights are not checked on reading.
"""

import json
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, constants, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
)

from partclipseg.errors import InputError, ModelNotFoundError
from partclipseg.modeling.checkpoint import load_checkpoint, save_checkpoint
from partclipseg.modeling.partclipseg import PartCLIPSeg

WEIGHTS, CONFIG, CARD = "partclipseg.safetensors", "config.json", "README.md"
LIBRARY = "partclipseg"
EXAMPLE = """\
from partclipseg import PartPredictor, load

predictor = PartPredictor(load("hf-hub:OWNER/NAME"))
print(predictor.segment("car: wheel", photo=predictor.encode("car.jpg")))"""


class NotOurs(ModelNotFoundError):
    """A repository of the Hub that is there but holds no PartCLIPSeg checkpoint."""


def save_pretrained(model: PartCLIPSeg, folder: str | Path) -> Path:
    """Write checkpoint, architecture and model card to ``folder``; returns the checkpoint.

    Raises:
        InputError: nothing can be written there.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_checkpoint(model, folder / WEIGHTS, model.metadata)
        (folder / CONFIG).write_text(json.dumps(model.config.to_json(), indent=2) + "\n")
        (folder / CARD).write_text(card(model), encoding="utf-8")
    except OSError as error:
        raise InputError(
            f'The model cannot be written to "{folder}" ({error.strerror or error}); '
            "name another folder."
        ) from error
    return folder / WEIGHTS


def from_pretrained(
    name: str | Path, *, revision: str | None = None, device: str = "cpu"
) -> PartCLIPSeg:
    """Read a model from a folder that ``save_pretrained`` wrote, or from ``owner/name`` on the Hub.

    Raises:
        ModelNotFoundError: neither has such a checkpoint, or the Hub cannot be reached.
        CheckpointError: the checkpoint is damaged.
    """
    local = Path(name) / WEIGHTS
    path = local if local.is_file() else fetch(str(name), revision)
    model = load_checkpoint(path, device)
    model.name = str(name)
    return model


def fetch(repo: str, revision: str | None = None) -> Path:
    """The checkpoint of a repository of the Hub, downloaded unless it is cached.

    Raises:
        NotOurs: the repository holds no PartCLIPSeg checkpoint.
        ModelNotFoundError: there is no such repository, or no connection.
    """
    remedy = 'the bundled model "lite" works without any download'
    try:
        return Path(hf_hub_download(repo, WEIGHTS, revision=revision, library_name=LIBRARY))
    except LocalEntryNotFoundError as error:
        tried = "offline mode is on" if constants.HF_HUB_OFFLINE else "it cannot be reached"
        raise ModelNotFoundError(
            f"{repo} is not in the cache {constants.HF_HUB_CACHE}, and of the Hugging Face Hub "
            f"{tried}; {remedy}."
        ) from error
    except EntryNotFoundError as error:
        raise NotOurs(f"{repo} holds no file {WEIGHTS}; {remedy}.") from error
    except (HFValidationError, OfflineModeIsEnabled, OSError, ValueError) as error:
        raise ModelNotFoundError(
            f"The Hugging Face Hub has no model {repo!r} that can be read here; {remedy}."
        ) from error


def push_to_hub(
    model: PartCLIPSeg, repo: str, *, private: bool = False, token: str | None = None,
    message: str = "Upload a PartCLIPSeg checkpoint",
) -> str:  # fmt: skip
    """Upload what ``save_pretrained`` writes to ``owner/name``; returns the commit's address.

    The repository is made if it is not there. Errors of the Hub (no rights, no connection) are
    raised as they come: they name what is missing.
    """
    import tempfile

    api = HfApi(token=token, library_name=LIBRARY)
    with tempfile.TemporaryDirectory() as folder:
        save_pretrained(model, folder)
        api.create_repo(repo, private=private, exist_ok=True)
        done = api.upload_folder(repo_id=repo, folder_path=folder, commit_message=message)
    return str(done.commit_url)


def card(model: PartCLIPSeg) -> str:
    """A model card of what the checkpoint says of itself, with the Hub's front matter."""
    facts = model.metadata
    size = sum(p.numel() for p in model.parameters()) / 1e6
    rows = [f"- image size: {model.config.image_size} pixels (long side)",
            f"- CLIP: {model.config.backbone}", f"- parameters: {size:.1f} million"]  # fmt: skip
    text = ["---", f"library_name: {LIBRARY}", "pipeline_tag: image-segmentation", "---", "",
            "# PartCLIPSeg checkpoint", "", "Segments parts of objects by clicks, boxes and words.",
            "", *rows]  # fmt: skip
    if facts.get("terms"):
        text += ["", "## Terms", "", str(facts["terms"])]
    for title, key in (("Training data", "training_sets"), ("Measured", "measured")):
        if facts.get(key):
            text += ["", f"## {title}", "", *_table(facts[key])]
    return "\n".join([*text, "", "## Use", "", "```python", EXAMPLE, "```"]) + "\n"


def _table(values: Any) -> list[str]:
    if not isinstance(values, dict):
        return [str(values)]
    return [f"- {key}: {value if not isinstance(value, dict) else json.dumps(value)}"
            for key, value in values.items()]  # fmt: skip
