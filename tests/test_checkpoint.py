"""A checkpoint is read back as it was, or refused with one sentence."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from partclipseg.errors import CheckpointError
from partclipseg.modeling.checkpoint import load_checkpoint, save_checkpoint
from partclipseg.modeling.config import ModelConfig
from partclipseg.modeling.partclipseg import build


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    torch.manual_seed(0)
    model = build(ModelConfig(image_size=320)).eval()
    path = tmp_path_factory.mktemp("checkpoint") / "model.safetensors"
    save_checkpoint(model, path, {"note": "a test"})
    return model, path


def header(model) -> dict[str, str]:
    config = json.dumps(model.config.to_json())
    return {"format": "partclipseg", "version": "1", "config": config}


def test_round_trip(saved):
    model, path = saved
    again = load_checkpoint(path)
    assert again.config == model.config and again.metadata == {"note": "a test"}
    assert not again.training and not any(p.requires_grad for p in again.parameters())
    for (name, a), b in zip(model.state_dict().items(), again.state_dict().values(), strict=True):
        torch.testing.assert_close(b, a, atol=3e-3, rtol=5e-3, msg=name)
    with torch.inference_mode():
        words = ["wheel of a car", "tail"]
        same = (model.backbone.encode_text(words) * again.backbone.encode_text(words)).sum(-1)
    assert (same > 0.999).all()
    assert path.stat().st_size < 40e6
    assert [p.name for p in path.parent.iterdir()] == ["model.safetensors"]


def test_truncated(saved, tmp_path):
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(saved[1].read_bytes()[:-1000])
    with pytest.raises(CheckpointError, match=r"cut\.safetensors is damaged"):
        load_checkpoint(cut)


def test_garbage_missing_and_pickle(tmp_path):
    (tmp_path / "x.safetensors").write_bytes(b"not a checkpoint")
    with pytest.raises(CheckpointError, match="damaged or not a safetensors"):
        load_checkpoint(tmp_path / "x.safetensors")
    with pytest.raises(CheckpointError, match="does not exist"):
        load_checkpoint(tmp_path / "y.safetensors")
    torch.save({}, tmp_path / "z.pt")
    with pytest.raises(CheckpointError, match="pickle"):
        load_checkpoint(tmp_path / "z.pt")


def test_foreign_or_newer_files(saved, tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match="not a PartCLIPSeg checkpoint"):
        load_checkpoint(tmp_path / "a.safetensors")
    new = header(saved[0]) | {"version": "99"}
    save_file({"a": torch.zeros(1)}, tmp_path / "b.safetensors", metadata=new)
    with pytest.raises(CheckpointError, match="version 99"):
        load_checkpoint(tmp_path / "b.safetensors")


def test_tensors_that_do_not_fit(saved, tmp_path):
    model, path = saved
    tensors = load_file(path)
    removed = tensors.pop("adapter.edges.weight")
    save_file(tensors, tmp_path / "c.safetensors", metadata=header(model))
    with pytest.raises(CheckpointError, match="1 tensors missing"):
        load_checkpoint(tmp_path / "c.safetensors")
    tensors["adapter.edges.weight"] = removed[:5].contiguous()
    save_file(tensors, tmp_path / "d.safetensors", metadata=header(model))
    with pytest.raises(CheckpointError, match="1 of another shape"):
        load_checkpoint(tmp_path / "d.safetensors")
    tensors["adapter.edges.weight"] = torch.full_like(removed, float("nan"))
    save_file(tensors, tmp_path / "e.safetensors", metadata=header(model))
    with pytest.raises(CheckpointError, match="not finite"):
        load_checkpoint(tmp_path / "e.safetensors")
