"""open_clip models as backbones: shapes of maps, open_clip's own vectors, errors that help."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import open_clip
import pytest
import torch
from torch.nn import functional as F

from partclipseg.clip import hub
from partclipseg.clip.hub import HubBackbone, load_open_clip
from partclipseg.errors import CheckpointError, InputError, ModelNotFoundError

TEXT = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 1}
TINY = {
    # name: (vision_cfg, strides of the maps)
    "tiny-vit-16": (
        {"image_size": 64, "layers": 4, "width": 64, "head_width": 32, "patch_size": 16},
        (16, 16, 16, 16),
    ),
    "tiny-vit-14": (
        {"image_size": 56, "layers": 4, "width": 64, "head_width": 32, "patch_size": 14},
        (16, 16, 16, 16),
    ),
    "tiny-vit-average": (
        {
            "image_size": 64,
            "layers": 3,
            "width": 64,
            "head_width": 32,
            "patch_size": 16,
            "pool_type": "avg",
            "final_ln_after_pool": True,
        },
        (16, 16, 16),
    ),
    "tiny-attention-pool": (
        {
            "image_size": 64,
            "layers": 4,
            "width": 64,
            "head_width": 32,
            "patch_size": 16,
            "attentional_pool": True,
            "attn_pooler_queries": 4,
            "attn_pooler_heads": 2,
        },
        (16, 16, 16, 16),
    ),
    "tiny-resnet": (
        {"image_size": 64, "layers": [1, 1, 1, 1], "width": 32},
        (4, 8, 16, 32, 32),
    ),
    "tiny-convnext": (
        {
            "image_size": 64,
            "timm_model_name": "convnext_atto",
            "timm_pool": "",
            "timm_proj": "linear",
        },
        (4, 8, 16, 32, 32),
    ),
    "tiny-rotary": (
        {
            "image_size": 64,
            "timm_model_name": "eva02_tiny_patch14_224",
            "timm_pool": "token",
            "timm_proj": None,
        },
        (16, 16, 16, 16),
    ),
}
# Real configurations whose towers are small; the widest map and the last one are checked.
REAL = {
    "ViT-S-32": (384, (32, 32, 32, 32)),
    "RN50-quickgelu/openai": (2048, (4, 8, 16, 32, 32)),
    "MobileCLIP2-S0/dfndr2b": (512, (4, 8, 16, 32, 32)),
    "PE-Core-T-16-384/meta": (192, (16, 16, 16, 16)),
}


@pytest.fixture(scope="module", autouse=True)
def tiny_configs(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("configs")
    for name, (vision, _) in TINY.items():
        config = {"embed_dim": 32, "vision_cfg": vision, "text_cfg": TEXT}
        (folder / f"{name}.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder)


def load(spec: str, variant: str = "plain") -> HubBackbone:
    torch.manual_seed(0)
    return load_open_clip(spec, random_weights=True, variant=variant)


def photos(height: int, width: int, count: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(count, 3, height, width, generator=generator)


def check_maps(backbone: HubBackbone, height: int, width: int) -> None:
    features = backbone(photos(height, width))
    expected = [
        (2, channels, height // stride, width // stride)
        for channels, stride in zip(backbone.channels, backbone.strides, strict=True)
    ]
    assert [tuple(x.shape) for x in features.maps] == expected
    assert all(torch.isfinite(x).all() for x in features.maps)
    torch.testing.assert_close(features.embedding.norm(dim=-1), torch.ones(2))


@pytest.mark.parametrize("name", TINY)
def test_maps_of_photos_of_any_shape(name: str) -> None:
    backbone = load(name)
    assert backbone.strides == TINY[name][1]
    assert backbone.channels[-1] == backbone.embed_dim == 32
    check_maps(backbone, 64, 64)
    check_maps(backbone, 96, 160)


@pytest.mark.parametrize("spec", [*TINY, *REAL])
def test_embedding_is_what_open_clip_gives(spec: str) -> None:
    backbone = load(spec)
    side, _ = backbone.image_size
    images = photos(side, side, count=1)
    taken = images
    if spec == "tiny-vit-14":  # a patch of 14 pixels covers 16 of the photo's
        images = photos(64, 64, count=1)
        taken = F.interpolate(images, (56, 56), mode="bilinear", antialias=True)
    elif spec == "tiny-rotary":  # this tower knows one size, which is not its config's
        taken = F.interpolate(images, (224, 224), mode="bilinear", antialias=True)
    expected = backbone.model.encode_image(backbone.normalise(taken), normalize=True)
    torch.testing.assert_close(backbone(images).embedding, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("spec", REAL)
def test_real_configurations(spec: str) -> None:
    backbone = load(spec)
    widest, strides = REAL[spec]
    assert max(backbone.channels[:-1]) == widest
    assert backbone.strides == strides
    assert backbone.name == spec
    check_maps(backbone, 64, 96)


@pytest.mark.parametrize("name", ["tiny-vit-16", "tiny-resnet", "tiny-convnext"])
def test_text_vectors_are_what_open_clip_gives(name: str) -> None:
    backbone = load(name)
    texts = ["wheel of a car", "Gänsefuß", ""]
    tokens = open_clip.get_tokenizer(name)(texts)
    expected = backbone.model.encode_text(tokens, normalize=True)
    vectors = backbone.encode_text(texts)
    assert vectors.dtype == torch.float32
    torch.testing.assert_close(vectors, expected, rtol=0, atol=1e-6)
    assert backbone.encode_text([]).shape == (0, 32)


def test_many_texts_come_back_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = load("tiny-vit-16")
    texts = [f"part {i}" for i in range(7)]
    at_once = backbone.encode_text(texts)
    monkeypatch.setattr(hub, "_TEXTS_AT_ONCE", 3)
    torch.testing.assert_close(backbone.encode_text(texts), at_once)


@pytest.mark.parametrize("name", ["tiny-vit-average", "tiny-convnext", "tiny-resnet"])
def test_last_map_is_the_clip_space(name: str) -> None:
    """In a photo of one place, that place alone and the photo as a whole are the same."""
    backbone = load(name)
    if name == "tiny-resnet":  # its dense values leave the learnt positions out
        backbone.model.visual.attnpool.positional_embedding.zero_()
    side = backbone.strides[-1]
    features = backbone(photos(side, side))
    dense = F.normalize(features.maps[-1][:, :, 0, 0], dim=-1)
    torch.testing.assert_close(dense, features.embedding, rtol=0, atol=1e-5)


def test_last_map_of_a_vit_is_its_patches_through_the_clip_projection() -> None:
    backbone = load("tiny-vit-16")
    images = photos(64, 64, count=1)
    visual = backbone.model.visual
    tokens = visual.forward_intermediates(backbone.normalise(images), indices=[3])
    patches = tokens["image_intermediates"][0].permute(0, 2, 3, 1)
    expected = (visual.ln_post(patches) @ visual.proj).permute(0, 3, 1, 2)
    torch.testing.assert_close(backbone(images).maps[-1], expected, rtol=0, atol=1e-5)


def test_frozen_and_deterministic_between_sizes() -> None:
    backbone = load("tiny-vit-16")
    assert not backbone.training
    assert not any(p.requires_grad for p in backbone.parameters())
    first = backbone(photos(64, 64)).embedding
    backbone(photos(96, 32))
    torch.testing.assert_close(backbone(photos(64, 64)).embedding, first)


def test_image_size_lays_out_the_positions() -> None:
    backbone = load_open_clip("tiny-vit-16", random_weights=True, image_size=128)
    assert backbone.image_size == (128, 128)
    assert len(backbone.model.visual.positional_embedding) == 8 * 8 + 1
    check_maps(backbone, 128, 64)
    resnet = load_open_clip("tiny-resnet", random_weights=True, image_size=128)
    check_maps(resnet, 128, 64)


def test_image_size_that_no_patch_fits() -> None:
    with pytest.raises(InputError, match="multiples of 16"):
        load_open_clip("tiny-vit-16", random_weights=True, image_size=100)


def test_sides_that_no_stride_fits() -> None:
    with pytest.raises(InputError, match="multiples of 32 pixels, not 64 x 40"):
        load("tiny-resnet")(photos(40, 64))


def test_normalises_with_the_weights_own_figures() -> None:
    backbone = load("MobileCLIP2-S0/dfndr2b")
    assert (backbone.mean, backbone.std) == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    assert load("tiny-vit-16").mean == pytest.approx(open_clip.OPENAI_DATASET_MEAN)


def test_activation_follows_the_weights() -> None:
    """OpenAI's weights were trained with QuickGELU; the plain config would only warn."""
    assert hub._resolve("ViT-B-16/openai", needs_weights=True).model == "ViT-B-16-quickgelu"
    assert hub._resolve("ViT-B-16/laion2b_s34b_b88k", needs_weights=True).model == "ViT-B-16"


def test_every_pair_of_open_clip_resolves_to_a_matching_activation() -> None:
    for model, tag in open_clip.list_pretrained():
        source = hub._resolve(f"{model}/{tag}", needs_weights=True)
        if open_clip.get_pretrained_cfg(model, tag).get("quick_gelu"):
            config = open_clip.get_model_config(source.model) or {}
            assert config["quick_gelu"], (model, tag)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("vit-b-16/openai", ["vit-b-16", "ViT-B-16"]),
        ("no such thing", ["ViT-B-16-quickgelu/openai"]),
        ("", ["ViT-B-16-quickgelu/openai"]),
        ("ViT-B-16/opena", ["opena", "openai"]),
        ("ViT-B-16", ["ViT-B-16/WEIGHTS", "openai", "datacomp_xl_s13b_b90k"]),
        ("local-dir:no/such/folder", ["no/such/folder", "open_clip_config.json"]),
    ],
)
def test_unknown_names(spec: str, words: list[str]) -> None:
    with pytest.raises(ModelNotFoundError) as caught:
        load_open_clip(spec)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_weights_from_a_file(tmp_path: Path) -> None:
    model = load("tiny-vit-16").model
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    torch.manual_seed(5)
    again = load_open_clip(f"tiny-vit-16/{tmp_path / 'weights.pt'}")
    tokens = open_clip.get_tokenizer("tiny-vit-16")(["wheel"])
    expected = model.encode_text(tokens, normalize=True)
    torch.testing.assert_close(again.encode_text(["wheel"]), expected)


@pytest.mark.parametrize("content", [b"not weights", b""])
def test_damaged_weights(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "weights.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"weights\.pt cannot be loaded"):
        load_open_clip(f"tiny-vit-16/{tmp_path / 'weights.pt'}")


def test_weights_of_another_architecture(tmp_path: Path) -> None:
    torch.save(load("tiny-vit-16").model.state_dict(), tmp_path / "weights.pt")
    with pytest.raises(CheckpointError, match="not made for this architecture"):
        load_open_clip(f"tiny-resnet/{tmp_path / 'weights.pt'}")


def test_offline_without_a_cache_says_so_in_one_sentence(tmp_path: Path) -> None:
    """The Hub's client reads the environment when imported, so this needs a fresh interpreter."""
    program = textwrap.dedent(
        """
        from partclipseg.clip.hub import load_open_clip
        from partclipseg.errors import ModelNotFoundError

        for spec in ("ViT-B-16-quickgelu/openai", "ViT-B-16-SigLIP2/webli", "hf-hub:some/model"):
            try:
                load_open_clip(spec)
            except ModelNotFoundError as error:
                print(error)
        """
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 3, done.stdout + done.stderr
    assert lines[0].startswith("ViT-B-16-quickgelu/openai cannot be loaded")
    assert lines[1].startswith("ViT-B-16-SigLIP2/webli")  # with or without transformers
    assert lines[2].startswith("hf-hub:some/model cannot be loaded")
    assert all('"lite"' in line for line in lines)
    assert str(tmp_path) in lines[0]
    assert "offline mode is on" in lines[0]
    assert done.stderr == ""


def test_tokenizer_package_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "find_spec", lambda name: None)
    with pytest.raises(ModelNotFoundError, match="pip install transformers"):
        load_open_clip("ViT-B-16-SigLIP2/webli")
