"""Run by torchrun: one process of a training of two steps on the set that is named."""

import sys
from dataclasses import replace
from pathlib import Path

import torch

from partclipseg import datasets
from partclipseg.modeling.config import ModelConfig
from partclipseg.modeling.partclipseg import build
from partclipseg.training import parallel
from partclipseg.training.loop import Trainer
from partclipseg.training.recipe import Recipe

if __name__ == "__main__":
    config, folder, out = (Path(a) for a in sys.argv[1:4])
    torch.set_num_threads(1)
    recipe = Recipe.read(config)
    recipe = replace(recipe, samples=replace(recipe.samples, size=64, prompts=2), batch=4, steps=4)
    recipe = replace(recipe, warmup=1, save_every=1)
    torch.manual_seed(0)
    model = build(ModelConfig())
    with parallel.team() as team:
        trainer = Trainer(model, recipe, [datasets.read(folder, "val")], out, team)
        trainer.resume()
        trainer.fit(trainer.step + 1, minutes=5)
        torch.save(model.state_dict(), out / f"rank{team.rank}.pt")
