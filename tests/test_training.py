"""Training on tiny made-up sets: samples keep their masks, steps resume exactly, losses teach."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from partclipseg import CheckpointError, InputError, datasets, loading
from partclipseg.clip.text import encode_tokens
from partclipseg.modeling.checkpoint import save_checkpoint
from partclipseg.modeling.config import AdapterConfig, ModelConfig
from partclipseg.modeling.partclipseg import build
from partclipseg.modeling.recognition import Part2CLIP
from partclipseg.training import curves, losses, phrases, samples, start, stream, text
from partclipseg.training.loop import Trainer
from partclipseg.training.recipe import Recipe
from partclipseg.training.stream import SampleStream
from tests.scripted import write_set

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "cars"
    parts = [
        [("car", "wheel", (5, 20, 15, 30), 1), ("car", "door", (20, 5, 40, 30), 1),
         ("car", "handle", (30, 12, 38, 18), 1)],
        [("dog", "head", (5, 5, 20, 20), 2), ("dog", "tail", (40, 5, 58, 14), 2)],
    ]  # fmt: skip
    objects = [[(1, "car", (2, 2, 45, 35))], [(2, "dog", (2, 2, 59, 30))]]
    return datasets.read(write_set(folder, parts, objects), "val")


@pytest.fixture(scope="module")
def recipe():
    base = Recipe.read(ROOT / "configs" / "lite.json")
    return replace(
        base, samples=replace(base.samples, size=64, prompts=2), batch=2, steps=4, warmup=1,
        save_every=1,
    )  # fmt: skip


def trainer(dataset, recipe, out) -> Trainer:
    torch.manual_seed(0)
    out.mkdir(exist_ok=True)
    return Trainer(build(ModelConfig()), recipe, [dataset], out)


def test_a_resumed_run_equals_an_unbroken_one(dataset, recipe, tmp_path):
    whole = trainer(dataset, recipe, tmp_path / "whole")
    whole.fit(2, None)
    first = trainer(dataset, recipe, tmp_path / "parts")
    first.fit(1, None)
    second = trainer(dataset, recipe, tmp_path / "parts")
    second.resume()
    assert second.step == 1
    second.fit(2, None)
    for name, value in whole.model.state_dict().items():
        torch.testing.assert_close(second.model.state_dict()[name], value, msg=name)
    rows = (tmp_path / "parts" / "log.csv").read_text().splitlines()
    assert rows[0].startswith("step,seconds,oracle") and len(rows) == 3
    with Image.open(tmp_path / "parts" / "log.png") as picture:
        assert picture.width > 500


def test_curves_leave_out_empty_cells_and_keep_the_mean(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("step,seconds,oracle,text\n1,2.0,3.0,\n2,2.0,1.0,5.0\n")
    read = curves.read_log(log)
    assert set(read) == {"oracle", "text"}
    np.testing.assert_array_equal(read["oracle"], ([1, 2], [3, 1]))
    np.testing.assert_array_equal(read["text"], ([2], [5]))
    values = np.arange(10.0)
    np.testing.assert_allclose(curves.smooth(values, 3)[[0, 1, 9]], [0, 0.5, 8])
    np.testing.assert_allclose(curves.smooth(np.full(7, 2.0), 3), 2.0)


def test_what_is_frozen_stays_and_what_is_taught_moves(dataset, recipe, tmp_path):
    run = trainer(dataset, recipe, tmp_path / "run")
    before = {k: v.clone() for k, v in run.model.state_dict().items()}
    run.fit(1, None)
    moved = {k for k, v in run.model.state_dict().items() if not torch.equal(v, before[k])}
    assert not [k for k in moved if "clip.text." in k or "blocks.0." in k or "running_mean" in k]
    for part in ("adapter.project_part", "mask_decoder.iou", "prompt_encoder.guide", "blocks.5."):
        assert [k for k in moved if part in k], part


def test_the_stream_repeats_itself(dataset, recipe):
    stream = SampleStream([dataset], {"cars": 1.0}, recipe.samples, 2, seed=3)
    for a, b in zip(stream.batch_at(7), stream.batch_at(7), strict=True):
        np.testing.assert_array_equal(a.image, b.image)
        np.testing.assert_array_equal(a.points, b.points)
    assert (stream.batch_at(7)[0].image != stream.batch_at(8)[0].image).any()


def test_a_team_shares_out_the_batch_of_one(dataset, recipe):
    def images(rank: int, size: int) -> list[np.ndarray]:
        stream = SampleStream([dataset], {"cars": 1.0}, recipe.samples, 5, 3, rank=rank, size=size)
        return [s.image for s in stream.batch_at(7)]

    alone, first, second = images(0, 1), images(0, 2), images(1, 2)
    assert len(first) == 3 and len(second) == 2
    np.testing.assert_array_equal(alone[0::2], first)
    np.testing.assert_array_equal(alone[1::2], second)


def test_two_processes_train_one_model(dataset, tmp_path):
    for step in (1, 2):  # the second call goes on where the first one stopped
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        command += ["--nproc-per-node", "2", str(ROOT / "tests" / "team_training.py")]
        command += [
            str(ROOT / "configs" / "lite.json"),
            str(dataset.images[0].path.parents[1]),
            str(tmp_path),
        ]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
                              capture_output=True, text=True, timeout=300)  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        states = [torch.load(tmp_path / f"rank{r}.pt", weights_only=True) for r in (0, 1)]
        for name, value in states[0].items():
            torch.testing.assert_close(value, states[1][name], rtol=0, atol=0, msg=name)
        assert torch.load(tmp_path / "last.pt", weights_only=True)["step"] == step
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3


def test_prompts_lie_in_what_is_wanted(dataset, recipe):
    rng = np.random.default_rng(0)
    for _ in range(20):
        sample = samples.make_sample(dataset, dataset.images[0], recipe.samples, rng)
        for row in range(len(sample.points)):
            if sample.kinds[row, 0] == samples.POSITIVE:
                x, y = ((sample.points[row, 0] + 0.5) // samples.STRIDE).astype(int)
                assert sample.wanted[row, y, x]
                for slot in np.flatnonzero(sample.slot_valid[row]):
                    assert sample.slots[row, slot, y, x]
                areas = sample.slots[row].sum((1, 2))[sample.slot_valid[row]]
                assert (np.diff(areas) <= 0).all()


def test_the_smaller_mask_wins_a_pixel(dataset, recipe):
    config = replace(recipe.samples, subset_of_names=0.0, zoom_to_object=0.0, scale=(1.0, 1.0))
    sample = samples.make_sample(dataset, dataset.images[0], config, np.random.default_rng(1))
    door, handle = (sample.names.index(("car", p)) for p in ("door", "handle"))
    assert (sample.labels == handle).any()
    assert (sample.labels == door).sum() > (sample.labels == handle).sum()
    assert (sample.labels == samples.NONE).any()


def test_a_view_moves_picture_and_mask_alike():
    from PIL import Image

    mask = np.zeros((40, 60), bool)
    mask[10:20, 30:50] = True
    picture = Image.fromarray(np.repeat(mask[..., None] * np.uint8(255), 3, 2))
    for flip in (False, True):
        view = samples.View((0, 0, 60, 40), 120, flip)
        shown = np.asarray(view.picture(picture))[..., 0].reshape(30, 4, 30, 4).mean((1, 3)) / 255
        np.testing.assert_allclose(view.coverage(mask), shown, atol=0.3)
        assert view.coverage(mask).sum() == pytest.approx(mask.sum() * 4 / 16, rel=0.02)


def test_whitening_spreads_names_and_stays_linear():
    torch.manual_seed(0)
    backbone: Any = build(ModelConfig()).backbone
    tower = backbone.clip.text
    tokens = backbone.tokenizer([f"{p} of a {o}" for p in ("wheel", "door", "tail", "ear", "leg")
                                 for o in ("car", "dog", "house", "horse")])  # fmt: skip
    with torch.no_grad():
        before = encode_tokens(tower, tokens)
        fold = text.whiten(tower, tokens)
        after = encode_tokens(tower, tokens)
    torch.testing.assert_close(fold, fold.T)
    torch.testing.assert_close(after, torch.nn.functional.normalize(before @ fold, dim=-1))
    apart = ~torch.eye(len(tokens), dtype=torch.bool)
    assert (after @ after.T)[apart].mean() < (before @ before.T)[apart].mean() - 0.1


def test_degraded_photos_keep_size_and_content():
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, 30:] = 255
    config = samples.SampleConfig(blur=1.0, compression=1.0)
    made = np.asarray(samples.degrade(Image.fromarray(pixels), config, np.random.default_rng(0)))
    assert made.shape == pixels.shape and (made != pixels).any()
    assert made[:, :24].max() < 30 and made[:, 36:].min() > 225
    untouched = samples.SampleConfig(blur=0.0, compression=0.0)
    kept = samples.degrade(Image.fromarray(pixels), untouched, np.random.default_rng(0))
    assert (np.asarray(kept) == pixels).all()


def test_masks_that_fit_cost_less():
    target = torch.zeros(1, 16, 16)
    target[:, 4:9, 3:12] = 1
    good, iou = losses.mask_terms((target - 0.5) * 20, target)
    bad, none = losses.mask_terms((0.5 - target) * 20, target)
    assert float(iou) == 1 and float(none) == 0 and float(good) < 0.05 < float(bad)


def test_similarity_loss_is_least_when_a_mask_lies_on_its_name():
    torch.manual_seed(0)
    bank = torch.nn.functional.normalize(torch.randn(50, 16), dim=-1)
    text = bank[:4]
    same = losses.similarity_loss(text, text, bank)
    other = losses.similarity_loss(bank[4:8], text, bank)
    assert float(same) == pytest.approx(0, abs=1e-6) and float(other) > 1


def test_none_is_the_zero_of_the_logits():
    head = Part2CLIP()
    at_threshold = head.part_none.detach().reshape(1)
    assert float(head.part_logits(at_threshold)) == pytest.approx(0, abs=1e-5)


def test_corrections_go_where_the_error_is():
    rng = np.random.default_rng(0)
    wanted, predicted = np.zeros((16, 16), bool), np.zeros((16, 16), bool)
    wanted[2:8, 2:8] = True
    (x, y), kind = samples.correction(wanted, predicted, rng)
    assert kind == samples.POSITIVE and 7.5 <= x < 31.5 and 7.5 <= y < 31.5
    predicted[:] = True
    assert samples.correction(wanted, predicted, rng)[1] == samples.NEGATIVE


def test_withheld_words_never_enter_a_template():
    nouns = phrases.WordNet(("bonnet", "hood"), ("car",), ("bonnet", "hood"), (("bonnet", "car"),))
    made = phrases.build(nouns, [("hood", "car")], ["car"], ["bonnet"], 60)
    assert len(made) == len(set(made)) == 60
    assert "hood of a car" in made
    assert [p for p in made if "bonnet" in p] == ["bonnet"]


def test_wordnet_is_read_by_its_format(tmp_path):
    file = tmp_path / "data.noun"
    file.write_text(
        "  1 a licence\n"
        "00000001 06 n 02 car 0 motor_car 0 001 %p 00000002 n 0000 | a vehicle\n"
        "00000002 06 n 01 wheel 0 000 | a round part\n"
        "00000003 05 n 01 Canis_familiaris 0 000 | a dog\n"
    )
    nouns = phrases.read_wordnet(file)
    assert nouns.nouns == ("car", "motor car", "wheel")
    assert nouns.pairs == (("wheel", "car"), ("wheel", "motor car"))
    with pytest.raises(InputError, match="wordnet-base"):
        phrases.read_wordnet(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("{", "not JSON"), ('{"stepps": 3}', "unknown keys: stepps"),
     ('{"losses": {"magic": 1}}', "does not fit")],
)  # fmt: skip
def test_bad_recipes_are_refused(tmp_path, content, sentence):
    (tmp_path / "recipe.json").write_text(content)
    with pytest.raises(InputError, match=sentence):
        Recipe.read(tmp_path / "recipe.json")


@pytest.fixture
def shown(tmp_path):
    """Two photos without masks; a WordNet in which a beagle is a dog and a dog an animal."""
    folder = tmp_path / "photos"
    (folder / "images").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg"):
        Image.new("RGB", (60, 40), (90, 120, 60)).save(folder / "images" / name)
    rows = {"b.jpg": {"names": ["fern"]}, "a.jpg": {"names": ["beagle"], "wnid": "n00000003"}}
    (folder / "labels.json").write_text(json.dumps(rows))
    (tmp_path / "data.noun").write_text(
        "00000001 05 n 01 animal 0 000 | living\n"
        "00000002 05 n 02 dog 0 domestic_dog 0 001 @ 00000001 n 0000 | barks\n"
        "00000003 05 n 01 beagle 0 001 @ 00000002 n 0000 | hunts\n"
    )
    return folder


def test_photos_with_names_alone_show_the_more_general_object_too(shown):
    (found,) = stream.read_sets(shown.parent, {"photos": 1.0}, "train")
    assert [(p.path.name, p.width, p.height, p.shows) for p in found.images] == [
        ("a.jpg", 60, 40, ("beagle",)), ("b.jpg", 60, 40, ("fern",)),
    ]  # fmt: skip
    known = start.with_kinds(found, {"dog", "cat"}, shown.parent / "data.noun")
    assert [p.shows for p in known.images] == [("beagle", "dog"), ("fern",)]


@pytest.mark.parametrize("content", ["[]", "{", '{"a.jpg": {}}', '{"gone.jpg": {"names": ["x"]}}'])
def test_damaged_lists_of_names_are_refused(shown, content):
    (shown / "labels.json").write_text(content)
    with pytest.raises(InputError, match="does not list photos with their names"):
        datasets.read_shown(shown)


def test_an_object_without_a_mask_is_taught_and_its_photo_stays_whole(dataset, recipe, shown):
    recipe = replace(recipe, sets={"photos": 1.0}, losses=losses.LossWeights(oracle=0, text=0))
    photos = replace(datasets.read_shown(shown), name="photos")
    taught = trainer_of([dataset, photos], recipe, shown.parent / "out")
    source = SampleStream([photos], recipe.sets, recipe.samples, 2, 0)
    batch = source.batch_at(0)
    assert all(s.shows and not s.parts and not s.wanted.any() for s in batch)
    assert (batch[0].labels == samples.IGNORE).all()
    loss = [float(taught.advance(batch)["objects"]) for _ in range(12)]
    assert np.mean(loss[-3:]) < loss[0]


def trainer_of(sets, recipe, out) -> Trainer:
    torch.manual_seed(0)
    out.mkdir(exist_ok=True)
    return Trainer(build(ModelConfig()), recipe, sets, out)


def test_training_begins_with_another_models_weights(recipe, tmp_path):
    torch.manual_seed(1)
    save_checkpoint(build(ModelConfig()).eval(), tmp_path / "first.safetensors", {})
    deeper = replace(recipe, model=ModelConfig(adapter=AdapterConfig(context_layers=2)))
    first = loading.load(str(tmp_path / "first.safetensors"))
    second = start.from_weights(tmp_path / "first.safetensors", deeper).eval()
    photo = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        maps = first.backbone.forward_maps(photo)
        assert torch.allclose(first.adapter(maps).part, second.adapter(maps).part, atol=1e-6)
    wider = replace(recipe, model=ModelConfig(adapter=AdapterConfig(width=64)))
    with pytest.raises(CheckpointError, match="not of the recipe's form"):
        start.from_weights(tmp_path / "first.safetensors", wider)


def test_photos_of_rare_parts_are_drawn_more_often(tmp_path):
    parts = [[("person", "shirt", (2, 2, 30, 30), None)] for _ in range(9)]
    parts[4] += [("person", "scarf", (5, 5, 12, 12), None)]
    dataset = datasets.read(write_set(tmp_path / "clothes", parts), "val")
    share = stream._photo_share(dataset)
    assert share.argmax() == 4
    assert share[4] == pytest.approx(3 * share[0])
