"""Models in folders and on a Hub: read back as they were, or refused with one sentence."""

import json
from types import SimpleNamespace

import pytest
import torch
from huggingface_hub import errors
from safetensors.torch import load_file, save_file

from partclipseg import ModelNotFoundError, load
from partclipseg.errors import CheckpointError, InputError
from partclipseg.modeling import sharing
from partclipseg.modeling.checkpoint import load_checkpoint
from partclipseg.modeling.config import ModelConfig
from partclipseg.modeling.partclipseg import PartCLIPSeg, build


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    made = build(ModelConfig(image_size=320)).eval()
    made.metadata = {"training_sets": {"cars": 350}, "terms": "For research only."}
    return made


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    made = tmp_path_factory.mktemp("shared") / "model"
    assert model.save_pretrained(made) == made / "partclipseg.safetensors"
    return made


def test_a_folder_is_read_back(model, folder):
    again = PartCLIPSeg.from_pretrained(str(folder))
    assert again.config == model.config and again.metadata == model.metadata
    assert json.loads((folder / "config.json").read_text())["image_size"] == 320
    card = (folder / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: partclipseg\n")
    assert "For research only." in card and "cars: 350" in card
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        ["README.md", "config.json", "partclipseg.safetensors"]
    )


def test_a_repository_is_read_through_the_cache(folder, monkeypatch):
    asked = []

    def download(repo, file, revision=None, library_name=None):
        asked.append((repo, file, revision))
        return str(folder / file)

    monkeypatch.setattr(sharing, "hf_hub_download", download)
    assert load("hf-hub:someone/cars").name == "hf-hub:someone/cars"
    assert asked == [("someone/cars", "partclipseg.safetensors", None)]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (errors.LocalEntryNotFoundError("offline"), "is not in the cache .* works without any"),
        (errors.HFValidationError("bad name"), "has no model 'someone/cars'"),
        (OSError("no route"), "has no model 'someone/cars'"),
    ],
)
def test_what_cannot_be_fetched_is_named(monkeypatch, error, sentence):
    def download(*args, **kwargs):
        raise error

    monkeypatch.setattr(sharing, "hf_hub_download", download)
    with pytest.raises(ModelNotFoundError, match=sentence):
        load("hf-hub:someone/cars")


def test_a_push_uploads_what_save_writes(model, monkeypatch):
    seen = {}

    class Api:
        def __init__(self, token, library_name):
            seen["token"] = token

        def create_repo(self, repo, private, exist_ok):
            seen["repo"] = (repo, private, exist_ok)

        def upload_folder(self, repo_id, folder_path, commit_message):
            seen["model"] = sharing.from_pretrained(folder_path)
            return SimpleNamespace(commit_url=f"https://example.org/{repo_id}")

    monkeypatch.setattr(sharing, "HfApi", Api)
    address = model.push_to_hub("someone/cars", private=True, token="secret")
    assert address == "https://example.org/someone/cars"
    assert seen["repo"] == ("someone/cars", True, True) and seen["token"] == "secret"
    assert seen["model"].config == model.config


def test_changed_weights_are_noticed(folder, tmp_path):
    from safetensors import safe_open

    path = folder / "partclipseg.safetensors"
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
    tensors = load_file(path)
    tensors["adapter.edges.bias"] += 1
    save_file(tensors, tmp_path / "changed.safetensors", metadata=header)
    with pytest.raises(CheckpointError, match="SHA-256"):
        load_checkpoint(tmp_path / "changed.safetensors")


def test_a_file_in_the_way_is_named(model, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        model.save_pretrained(tmp_path / "taken")
