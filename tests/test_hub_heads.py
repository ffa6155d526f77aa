"""Heads for a frozen CLIP of open_clip's: trained, saved without the tower, read back with it."""

import json
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from partclipseg import PartPredictor, datasets, load
from partclipseg.clip import hub
from partclipseg.errors import CheckpointError
from partclipseg.modeling.adapter import levels
from partclipseg.training import loop, start
from partclipseg.training.features import Features
from partclipseg.training.recipe import Recipe
from tests.scripted import write_set

TEXT = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 1}
VISION = {
    "heads-vit": {"image_size": 64, "layers": 4, "width": 64, "head_width": 32, "patch_size": 16},
    "heads-resnet": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 32},
}


@pytest.fixture(autouse=True)
def random_towers(tmp_path_factory, monkeypatch):
    """Towers that are known by name and have the same random weights each time."""
    folder = tmp_path_factory.mktemp("configs")
    for name, vision in VISION.items():
        described = {"embed_dim": 32, "vision_cfg": vision, "text_cfg": TEXT}
        (folder / f"{name}.json").write_text(json.dumps(described))
    open_clip.add_model_config(folder)
    real = hub.load_open_clip

    def load_random(spec: str, **options):
        torch.manual_seed(5)
        return real(spec, random_weights=True, **options)

    monkeypatch.setattr(hub, "load_open_clip", load_random)


@pytest.fixture
def prepared(tmp_path) -> tuple[Path, Path]:
    data = tmp_path / "data"
    write_set(data / "cars", [[("car", "wheel", (5, 20, 15, 30), 1),
                               ("car", "door", (20, 5, 40, 30), 1)]] * 2,
              [[(1, "car", (2, 2, 45, 35))]] * 2)  # fmt: skip
    (data / "cars" / "val.json").rename(data / "cars" / "train.json")
    words = {"groups": [], "synonyms": {}}
    (tmp_path / "words.json").write_text(json.dumps(words))
    recipe = {"model": {"image_size": 64}, "samples": {"size": 64, "prompts": 2},
              "sets": {"cars": 1.0}, "views": 1, "steps": 2, "batch": 2, "warmup": 1,
              "save_every": 1}  # fmt: skip
    (tmp_path / "tiny.json").write_text(json.dumps(recipe))
    return tmp_path / "tiny.json", data


@pytest.mark.parametrize("name", VISION)
def test_heads_are_trained_saved_and_read_back(prepared, tmp_path, name):
    config, data = prepared
    path = loop.run(config, data, tmp_path / "out", backbone=name)
    assert path.name == f"partclipseg-{name}.safetensors"
    with safe_open(path, framework="pt") as file:
        assert not [k for k in file.keys() if k.startswith("backbone.")]  # noqa: SIM118
        assert "tower_sha256" in file.metadata()
    model = load(str(path))
    assert model.backbone.name == name and model.config.embed_dim == 32
    predictor = PartPredictor(model)
    photo = predictor.encode(np.asarray(Image.new("RGB", (64, 48), "red")))
    assert predictor.predict([(20, 20)], [1], photo=photo).parts is not None
    assert predictor.label(np.ones((1, 48, 64), bool), ["car: wheel"], photo=photo).names


def test_another_tower_is_noticed(prepared, tmp_path, monkeypatch):
    config, data = prepared
    path = loop.run(config, data, tmp_path / "out", backbone="heads-vit")
    same = hub.load_open_clip

    def load_other(spec: str, **options):
        tower = same(spec, **options)
        next(tower.parameters()).data += 1
        return tower

    monkeypatch.setattr(hub, "load_open_clip", load_other)
    with pytest.raises(CheckpointError, match="other weights of heads-vit"):
        load(str(path))


def test_a_frozen_tower_sees_a_view_once(tmp_path):
    tower = hub.load_open_clip("heads-vit")
    features = Features(tower, tmp_path / "kept", 1.0, frozen=True)
    images = torch.rand(2, 3, 64, 64)
    first = features(images, ["a", "b"])
    assert sorted(f.name for f in (tmp_path / "kept").iterdir()) == [
        "a.safetensors", "b.safetensors"
    ]  # fmt: skip
    kept = features(torch.zeros(2, 3, 64, 64), ["b", "a"])
    for a, b in zip(first, kept, strict=True):
        torch.testing.assert_close(b, a.flip(0), rtol=2e-3, atol=2e-3)
    (tmp_path / "kept" / "a.safetensors").write_bytes(b"half a file")
    again = features(images, ["a", "b"])
    torch.testing.assert_close(again[0], first[0], rtol=2e-3, atol=2e-3)


def test_the_limit_and_fresh_views_are_not_kept(tmp_path):
    tower = hub.load_open_clip("heads-vit")
    features = Features(tower, tmp_path / "kept", 1e-9, frozen=True)
    features(torch.rand(2, 3, 64, 64), ["a", ""])
    assert not list(tmp_path.glob("kept/*"))


def test_views_repeat_and_others_do_not(prepared):
    config, data = prepared
    recipe = Recipe.read(config)
    dataset = datasets.read(data / "cars", "train")
    few, endless = (
        loop.stream.SampleStream([dataset], {}, recipe.samples, 4, seed=0, views=views)
        for views in (2, 0)
    )
    seen = {}
    for step in range(6):
        for sample in few.batch_at(step):
            kept = seen.setdefault(sample.key, sample.image)
            np.testing.assert_array_equal(sample.image, kept)
    assert len(seen) == 4  # two photos, two views
    assert {s.key for s in endless.batch_at(0)} == {""}


def test_every_level_gets_a_map():
    assert levels((4, 8, 16, 32)) == (0, 1, 2, 3)
    assert levels((4, 8, 16, 32, 32)) == (0, 1, 2, 4)
    assert levels((16, 16, 16, 16)) == (0, 1, 2, 3)
    assert levels((32, 32, 32)) == (0, 1, 1, 2)
    assert levels((8, 16, 32)) == (0, 0, 1, 2)


def test_names_become_file_names():
    assert start.slug("ViT-B-16/openai") == "ViT-B-16-openai"
    assert start.slug("hf-hub:a/b c/../d") == "hf-hub-a-b-c-..-d"
