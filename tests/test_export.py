"""ONNX files compute what the model does, for any number of prompts."""

import json

import numpy as np
import pytest
import torch

from partclipseg.cli import main
from partclipseg.modeling import onnx
from partclipseg.modeling.checkpoint import save_checkpoint
from partclipseg.modeling.config import ModelConfig
from partclipseg.modeling.partclipseg import build

onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("export")
    save_checkpoint(build(ModelConfig(image_size=64)), folder / "tiny.safetensors", {})
    done = main(
        ["export", "--model", str(folder / "tiny.safetensors"), "--onnx", str(folder / "onnx")]
    )
    assert done == 0
    return folder / "onnx"


def test_the_files_say_what_they_are_for(exported):
    facts = json.loads((exported / "model.json").read_text())
    assert facts == {"image_size": 64, "points": 4, "embed_dim": 384, "model": "tiny"}
    names = sorted(p.name for p in exported.iterdir())
    assert names == ["decoder.onnx", "encoder.onnx", "model.json"]


@pytest.mark.parametrize("count", [1, 2, 7])
def test_any_number_of_prompts(exported, count):
    encoder = onnxruntime.InferenceSession(exported / "encoder.onnx")
    decoder = onnxruntime.InferenceSession(exported / "decoder.onnx")
    maps = encoder.run(None, {"image": np.zeros((1, 3, 64, 64), np.float32)})
    tiny = build(ModelConfig(image_size=64))
    prompts = {k: v.numpy() for k, v in onnx.example_prompts(tiny, count).items()}
    masks, iou = decoder.run(None, dict(zip(onnx.MAPS[:5], maps, strict=False)) | prompts)
    assert masks.shape == (count, 3, 16, 16) and iou.shape == (count, 3)
    assert np.isfinite(masks).all() and ((iou >= 0) & (iou <= 1)).all()


def test_files_of_another_model_are_noticed(exported):
    torch.manual_seed(1)
    other = build(ModelConfig(image_size=64)).eval()
    assert max(onnx.compare(other, exported).values()) > onnx.TOLERANCE


def test_missing_packages_are_named(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(onnx, "PACKAGES", ("onnx", "no_such_package"))
    assert main(["export", "--onnx", str(tmp_path / "onnx")]) == 2
    assert "needs no_such_package: pip install" in capsys.readouterr().err
