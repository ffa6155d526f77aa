"""Dense CLIP without training: equal to open_clip where nothing is changed, seamless windows."""

import json
from pathlib import Path

import open_clip
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import partclipseg
from partclipseg.clip import dense
from partclipseg.clip.backbone import Backbone, ImageFeatures
from partclipseg.clip.hub import HubBackbone, load_open_clip
from partclipseg.errors import InputError

VISION = {"image_size": 64, "layers": 3, "width": 64, "head_width": 32, "patch_size": 16}
TEXT = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 1}


@pytest.fixture(scope="module", autouse=True)
def config(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder: Path = tmp_path_factory.mktemp("configs")
    described = {"embed_dim": 32, "vision_cfg": VISION, "text_cfg": TEXT}
    (folder / "dense-vit.json").write_text(json.dumps(described))
    quick = described | {"quick_gelu": True, "vision_cfg": VISION | {"ls_init_value": 0.1}}
    (folder / "dense-vit-quick.json").write_text(json.dumps(quick))
    open_clip.add_model_config(folder)


def load(name: str, variant: str) -> HubBackbone:
    torch.manual_seed(0)
    return load_open_clip(name, random_weights=True, variant=variant)


def photo(height: int = 64, width: int = 96) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", ["dense-vit", "dense-vit-quick"])
def test_ordinary_attention_equals_open_clip(name: str) -> None:
    backbone = load(name, "plain")
    visual = backbone.model.visual
    images = backbone.normalise(photo(64, 64))
    tokens, (before,) = visual.transformer.forward_intermediates(
        _embedded(visual, images), indices=[1]
    )
    after = dense.last_block(visual.transformer.resblocks[-1], before, (4, 4), "plain")
    torch.testing.assert_close(after, tokens, rtol=0, atol=1e-5)


def _embedded(visual: torch.nn.Module, images: Tensor) -> Tensor:
    patches = visual.conv1(images).flatten(2).transpose(1, 2)
    token = visual.class_embedding.expand(len(images), 1, -1)
    return visual.ln_pre(torch.cat([token, patches], 1) + visual.positional_embedding)


@pytest.mark.parametrize("variant", dense.VARIANTS)
def test_variants_change_places_and_not_the_photo(variant: str) -> None:
    plain, other = load("dense-vit", "plain"), load("dense-vit", variant)
    a, b = plain(photo()), other(photo())
    torch.testing.assert_close(a.embedding, b.embedding)
    for x, y in zip(a.maps[:-1], b.maps[:-1], strict=True):
        torch.testing.assert_close(x, y)
    assert torch.equal(a.maps[-1], b.maps[-1]) == (variant == "plain")
    assert b.maps[-1].isfinite().all()


def test_a_value_alone_does_not_see_other_places() -> None:
    block = load("dense-vit", "maskclip").model.visual.transformer.resblocks[-1]
    tokens = torch.rand(1, 17, 64, generator=torch.Generator().manual_seed(0))
    changed = tokens.clone()
    changed[:, 9] += 1
    for variant, stays in (("maskclip", True), ("sclip", False), ("nacl", False)):
        a, b = (dense.last_block(block, t, (4, 4), variant)[:, 3] for t in (tokens, changed))
        assert torch.equal(a, b) == stays, variant


def test_a_neighbourhood_is_one_at_home_and_fades() -> None:
    near = dense.neighbourhood((3, 5))
    assert near.shape == (16, 16)
    torch.testing.assert_close(near, near.T)
    assert (near[0] == 0).all() and (near.diagonal()[1:] == 1).all()
    assert near[1, 2] > near[1, 3] > near[1, 5] > 0


def test_an_unknown_variant_is_named() -> None:
    with pytest.raises(InputError, match='no dense variant "best"; use one of plain, maskclip'):
        load("dense-vit", "best")


class Colour(Backbone):
    """Says of every cell what colour it has: whatever the windows, the photo is given back."""

    def __init__(self, stride: int) -> None:
        super().__init__(name="colour", embed_dim=3, channels=[3], strides=[stride],
                         mean=(0, 0, 0), std=(1, 1, 1))  # fmt: skip

    def forward(self, images: Tensor) -> ImageFeatures:
        cells = F.avg_pool2d(images, self.strides[-1])
        return ImageFeatures((cells,), F.normalize(cells.mean((-2, -1)), dim=-1))

    def encode_text(self, texts):  # type: ignore[no-untyped-def]
        raise NotImplementedError


@pytest.mark.parametrize("stride", [16, 32])
@pytest.mark.parametrize("size", [(448, 336), (320, 448), (64, 448), (336, 336)])
def test_windows_leave_no_seams(size: tuple[int, int], stride: int) -> None:
    colour = Colour(stride)
    constant = torch.tensor([0.2, 0.5, 0.7])[None, :, None, None].expand(1, 3, *size)
    seen = dense.sliding(colour, constant)
    expected = F.normalize(constant[0, :, :1, :1], dim=0).expand_as(seen)
    torch.testing.assert_close(seen, expected)
    assert min(seen.shape[1:]) * stride >= 224


def test_windows_see_what_the_whole_photo_shows() -> None:
    colour = Colour(16)
    images = photo(336, 448)
    whole = F.normalize(colour(images).maps[-1][0], dim=0)
    torch.testing.assert_close(dense.sliding(colour, images), whole)


@pytest.mark.checkpoint
def test_a_hub_clip_names_the_bundled_models_masks(example: Path) -> None:
    model = partclipseg.load("lite")
    model.recognize_with(load("dense-vit", "nacl"))
    predictor = partclipseg.PartPredictor(model)
    photo = predictor.encode(example / "truck.jpg")
    assert photo.full.foreign is not None and photo.full.foreign.shape[0] == 32
    found = predictor.predict([(300, 405)], [1], text="wheel, door", photo=photo)
    alone = partclipseg.PartPredictor(partclipseg.load("lite"))
    bare = alone.predict([(300, 405)], [1], text="wheel, door", photo=alone.encode(photo.photo))
    assert [p.rle for p in found.parts] == [p.rle for p in bare.parts]
    assert {p.label for p in found.parts} <= {"wheel", "door"}
    assert [p.similarity for p in found.parts] != [p.similarity for p in bare.parts]
    labels = predictor.label([p.mask for p in found.parts], ["wheel", "door"], photo=photo)
    torch.testing.assert_close(torch.from_numpy(labels.probabilities).sum(-1),
                               torch.ones(len(found.parts)))  # fmt: skip
