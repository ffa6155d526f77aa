"""Laws of the model's parts, on random weights: shapes, invariances, independence of prompts."""

import pytest
import torch

from partclipseg.clip.lite import LiteCLIP
from partclipseg.errors import CheckpointError
from partclipseg.modeling.config import ModelConfig
from partclipseg.modeling.layers import upsample_convex
from partclipseg.modeling.partclipseg import PartCLIPSeg, build
from partclipseg.modeling.prompt_encoder import (
    BOX_CORNER_1,
    BOX_CORNER_2,
    NEGATIVE,
    PADDING,
    POSITIVE,
    PromptBatch,
)
from partclipseg.modeling.recognition import Part2CLIP


@pytest.fixture(scope="module")
def model() -> PartCLIPSeg:
    torch.manual_seed(0)
    return build(ModelConfig()).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def features(model):
    torch.manual_seed(1)
    with torch.inference_mode():
        return model.encode(torch.rand(1, 3, 128, 96))[0]


def decode(model, features, prompts):
    with torch.inference_mode():
        return model.decode(features, prompts)


def click(x, y, kind=POSITIVE):
    return PromptBatch(torch.tensor([[[x, y]]]), torch.tensor([[kind]]))


def test_strides_and_unit_vectors(features):
    assert features.coarse.shape[-2:] == (8, 6)
    assert features.fine.shape[-2:] == (32, 24)
    for dense in (features.part, features.object):
        assert dense.shape == (1, 384, 16, 12)
        torch.testing.assert_close(dense.norm(dim=1), torch.ones(1, 16, 12))


def test_lite_embeddings_are_open_clips_own():
    torch.manual_seed(2)
    lite = LiteCLIP().eval()
    photo, phrases = torch.rand(2, 3, 64, 96), ["wheel of a car", "tyre", "a" * 300]
    with torch.inference_mode():
        image = lite.clip.encode_image(lite.normalise(photo), normalize=True)
        text = lite.clip.encode_text(lite.tokenizer(phrases), normalize=True)
        torch.testing.assert_close(lite(photo).embedding, image)
        torch.testing.assert_close(lite.encode_text(phrases), text, atol=1e-6, rtol=1e-5)
        assert lite.encode_text([]).shape == (0, 384)
        maps = lite.forward_maps(photo)
    assert [m.shape[1] for m in maps] == [24, 48, 120, 352]
    for a, b in zip(maps, lite(photo).maps, strict=True):
        torch.testing.assert_close(a, b.detach())


@pytest.mark.parametrize("kinds", [[POSITIVE], [POSITIVE, NEGATIVE], [BOX_CORNER_1, BOX_CORNER_2]])
@pytest.mark.parametrize("words", [False, True])
@pytest.mark.parametrize("mask", [False, True])
def test_any_combination_of_prompts(model, features, kinds, words, mask):
    prompts = PromptBatch(
        points=torch.rand(1, len(kinds), 2) * 90,
        kinds=torch.tensor([kinds]),
        text=torch.nn.functional.normalize(torch.rand(1, 384), dim=-1) if words else None,
        mask=torch.randn(1, 1, 32, 24) if mask else None,
    )
    logits, iou = decode(model, features, prompts)
    assert logits.shape == (1, 3, 32, 24) and iou.shape == (1, 3)
    assert logits.isfinite().all() and ((iou > 0) & (iou < 1)).all()


def test_no_prompt_at_all_decodes(model, features):
    logits, _ = decode(model, features, PromptBatch(torch.zeros(1, 0, 2), torch.zeros(1, 0).long()))
    assert logits.shape == (1, 3, 32, 24)


def test_padding_points_change_nothing(model, features):
    alone, _ = decode(model, features, click(30.0, 40.0))
    padded = PromptBatch(
        torch.tensor([[[30.0, 40.0], [7.0, 9.0]]]), torch.tensor([[POSITIVE, PADDING]])
    )
    torch.testing.assert_close(decode(model, features, padded)[0], alone, atol=1e-4, rtol=1e-4)


def test_prompts_of_a_batch_do_not_see_each_other(model, features):
    one, _ = decode(model, features, click(30.0, 40.0))
    both = PromptBatch(
        torch.tensor([[[30.0, 40.0]], [[80.0, 10.0]]]), torch.tensor([[POSITIVE], [NEGATIVE]])
    )
    torch.testing.assert_close(decode(model, features, both)[0][:1], one, atol=1e-4, rtol=1e-4)


def test_a_point_and_its_sign_matter(model, features):
    here, _ = decode(model, features, click(30.0, 40.0))
    assert not torch.allclose(here, decode(model, features, click(80.0, 10.0))[0], atol=1e-3)
    assert not torch.allclose(
        here, decode(model, features, click(30.0, 40.0, NEGATIVE))[0], atol=1e-3
    )


def test_convex_upsampling_keeps_constants_and_bounds():
    torch.manual_seed(3)
    weights = torch.randn(1, 36, 5, 7)
    constant = upsample_convex(torch.full((1, 2, 5, 7), 3.0), weights)
    torch.testing.assert_close(constant, torch.full((1, 2, 10, 14), 3.0))
    values = torch.randn(1, 2, 5, 7)
    fine = upsample_convex(values, weights)
    assert fine.min() >= values.min() - 1e-5 and fine.max() <= values.max() + 1e-5


def test_pooling_ignores_the_masks_scale_and_survives_emptiness(features):
    masks = torch.rand(3, 16, 12)
    masks[2] = 0
    once, twice = (Part2CLIP.pool(features.part[0], k * masks) for k in (1, 2))
    torch.testing.assert_close(once, twice)
    torch.testing.assert_close(once[:2].norm(dim=1), torch.ones(2))
    assert (once[2] == 0).all()


def test_config_round_trip_and_unknown_keys():
    config = ModelConfig(image_size=320)
    assert ModelConfig.from_json(config.to_json()) == config
    with pytest.raises(CheckpointError, match="wings"):
        ModelConfig.from_json({"wings": 2})
    with pytest.raises(CheckpointError, match="image_size must be int"):
        ModelConfig.from_json({"image_size": "large"})


def test_promising_prompts_alone_decode_as_all_do(model, features):
    prompts = PromptBatch(
        torch.tensor([[[30.0, 40.0]], [[80.0, 10.0]], [[5.0, 90.0]]]), torch.full((3, 1), POSITIVE)
    )
    masks, iou = decode(model, features, prompts)
    with torch.inference_mode():
        torch.testing.assert_close(model.predict_iou(features, prompts), iou)
        best = iou.amax(1)
        for least in (0.0, float(best.median()), 1.0):
            some, sure = model.decode_promising(features, prompts, least)
            torch.testing.assert_close(sure, iou[best > least])
            torch.testing.assert_close(some, masks[best > least], atol=1e-4, rtol=1e-4)
