"""What the fine-grained losses reward, on hand-made logits."""

from dataclasses import replace

import numpy as np
import torch

from partclipseg.training import finegrained, losses, samples
from partclipseg.training.samples import IGNORE, NONE
from tests.test_training import dataset, recipe, trainer

__all__ = ["dataset", "recipe"]  # pytest finds fixtures by name

SURE = 20.0


def test_parts_outside_of_their_object_cost():
    labels = torch.tensor([0, IGNORE, IGNORE])
    gate = torch.tensor([0.9, 0.1, 0.9])
    calm = torch.full((3, 2), -SURE)
    inside, outside = calm.clone(), calm.clone()
    inside[2, 0] = SURE  # not labelled, but inside: perhaps a part that nobody drew
    outside[1, 0] = SURE
    assert finegrained.distillation(calm, gate, labels) < 1e-6
    assert finegrained.distillation(inside, gate, labels) < 1e-6
    assert finegrained.distillation(outside, gate, labels) > 10


def test_without_unlabelled_pixels_objects_teach_nothing():
    labels = torch.tensor([0, NONE])
    assert finegrained.distillation(torch.zeros(2, 2), torch.zeros(2), labels) is None


def test_the_object_is_the_teacher_not_the_pupil():
    gate = torch.tensor([0.2], requires_grad=True)
    logits = torch.zeros(1, 2, requires_grad=True)
    loss = finegrained.distillation(logits, gate, torch.tensor([IGNORE]))
    loss.backward()
    assert gate.grad is None and (logits.grad > 0).all()


def test_two_parts_on_one_pixel_cost():
    labels = torch.tensor([0, 1, NONE])
    apart = torch.tensor([[SURE, -SURE], [-SURE, SURE], [SURE, SURE]])
    shared = torch.tensor([[SURE, SURE], [-SURE, SURE], [SURE, SURE]])
    assert finegrained.separation(apart, labels) < 1e-6
    assert torch.isclose(finegrained.separation(shared, labels), torch.tensor(0.5))


def test_a_small_part_counts_as_much_as_a_large_one():
    labels = torch.tensor([0] * 1000 + [1] * 4)
    silent = torch.full((1004, 2), -SURE)
    large, small = silent.clone(), silent.clone()
    large[:1000, 0] = SURE
    small[1000:, 1] = SURE
    half = torch.tensor(0.5)
    assert torch.isclose(finegrained.enhancement(large, labels), half)
    assert torch.isclose(finegrained.enhancement(small, labels), half)


def test_switched_on_they_are_taught_and_logged(dataset, recipe, tmp_path):
    weights = replace(recipe.losses, distillation=0.2, separation=0.1, enhancement=0.1)
    run = trainer(replace(dataset, exhaustive=False), replace(recipe, losses=weights), tmp_path)
    rng = np.random.default_rng(0)
    batch = [samples.make_sample(run.sets[0], i, recipe.samples, rng) for i in run.sets[0].images]
    images = torch.from_numpy(np.stack([s.image for s in batch])).permute(0, 3, 1, 2) / 255
    maps = run.model.backbone.forward_maps(images)
    terms = losses.batch_losses(run.model, maps, batch, run.names, rng, weights)
    assert {"separation", "enhancement"} <= set(terms)
    without = losses.batch_losses(run.model, maps, batch, run.names, rng, recipe.losses)
    assert not {"distillation", "separation", "enhancement"} & set(without)
    run.fit(1, None)
    header = (tmp_path / "log.csv").read_text().splitlines()[0]
    assert header.endswith("distillation,separation,enhancement")
