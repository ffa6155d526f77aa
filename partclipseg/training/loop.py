"""The training loop: stages text -> main, resumable at every saved step, logged as CSV."""

import csv
import logging
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from partclipseg import datasets, memory
from partclipseg.clip.lite import LiteCLIP
from partclipseg.errors import InputError
from partclipseg.modeling.checkpoint import save_checkpoint
from partclipseg.modeling.partclipseg import PartCLIPSeg, build
from partclipseg.training import curves, losses, pack, parallel, start, stream
from partclipseg.training.features import Features
from partclipseg.training.names import Names, read_words
from partclipseg.training.recipe import Recipe
from partclipseg.training.samples import Sample

log = logging.getLogger(__name__)
Sets = Sequence[datasets.PartDataset]
FROZEN_BLOCKS = 2  # of the image tower: edges and colours are the same everywhere


def run(config: str | Path, data: str | Path, out: str | Path, *, resume: bool = True,
        steps: int | None = None, minutes: float | None = None,
        backbone: str | None = None, init: str | Path | None = None) -> Path:  # fmt: skip
    """Train as the recipe says and write ``out/partclipseg-lite.safetensors``.

    Args:
        backbone: train heads for this CLIP of open_clip's, which stays frozen, instead of for the
            recipe's; the checkpoint names it and does not copy it.
        init: a model, by name or path, whose weights the training begins with, text tower and all,
            instead of ImageNet's and a text tower of its own.
        resume: go on from ``out/last.pt`` if it is there.
        steps: stop after this many steps in all (the learning rate still follows the recipe).
        minutes: stop this call after so many minutes; the next call goes on.

    Returns:
        The checkpoint's path. Raises InputError on a bad recipe or data folder.
    """
    recipe, data, out = Recipe.read(config), Path(data), Path(out)
    if not recipe.sets:
        raise InputError(f"The recipe {config} names no sets.")
    out.mkdir(parents=True, exist_ok=True)
    memory.keep_freed()
    if data.is_file():
        data = pack.unpack(data, out / "data")
    sets = start.known_objects(stream.read_sets(data, recipe.sets, "train"), recipe)
    torch.manual_seed(recipe.seed)
    if init:
        model = start.from_weights(init, recipe)
    else:
        model = start.heads_for(backbone, recipe) if backbone else build(recipe.model)
    own = isinstance(model.backbone, LiteCLIP)
    path = out / f"partclipseg-{start.slug(model.backbone.name)}.safetensors"
    facts: dict[str, Any] = {}
    with parallel.team() as team:
        if own and not init:
            start.load_imagenet_tower(model)
            if team.leads:
                start.prepare_text_tower(model, recipe, sets, data, out)
            team.wait()
            facts["text_tower"] = start.prepare_text_tower(model, recipe, sets, data, out)
        trainer = Trainer(model.to(team.device), recipe, sets, out, team, fresh=not init)
        if resume:
            trainer.resume()
        trainer.fit(steps or recipe.steps, minutes)
        if not team.leads:
            return path
    metadata = trainer.metadata() | facts
    if own and trainer.step >= recipe.steps:
        metadata["global_embedding"] = start.fit_global(model.cpu(), sets, data)
    save_checkpoint(model, path, metadata)
    return path


class Step(nn.Module):
    """The losses of one batch as a module, which is what can be shared out to processes."""

    def __init__(self, model: PartCLIPSeg, names: Names, weights: losses.LossWeights,
                 features: Features) -> None:  # fmt: skip
        super().__init__()
        self.model, self.names, self.weights = model, names, weights
        self.features = features

    def forward(
        self, images: Tensor, samples: Sequence[Sample], rng: np.random.Generator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """``(B, 3, S, S)`` and their samples -> what is minimised, and its terms."""
        maps = self.features(images, [s.key for s in samples])
        terms = losses.batch_losses(self.model, maps, samples, self.names, rng, self.weights)
        return losses.total(terms, self.weights), {k: v.detach() for k, v in terms.items()}


class Trainer:
    """Model, optimizer and log of the main stage."""

    def __init__(self, model: PartCLIPSeg, recipe: Recipe, sets: Sets, out: Path,
                 team: parallel.Team | None = None, fresh: bool = True) -> None:  # fmt: skip
        self.model, self.recipe, self.sets, self.out = model.eval(), recipe, sets, out
        self.team = team or parallel.Team()
        self.step = 0
        words = read_words(recipe.folder / recipe.words)
        pairs = [p for s in sets for p in s.pairs
                 if p[0] != datasets.SCENE and p[1] != datasets.WHOLE]  # fmt: skip
        owners = [o for s in sets for o, _ in s.pairs if o != datasets.SCENE]
        owners += [o.name for s in sets for i in s.images for o in i.objects]
        owners += [n for s in sets for i in s.images for n in i.shows]
        self.names = Names(model.backbone, pairs, owners, words["groups"], words["synonyms"])
        self.optimizer = torch.optim.AdamW(self._groups(), weight_decay=recipe.weight_decay)
        part2clip = self.model.part2clip
        if fresh:  # a little above unrelated names
            for none, level in ((part2clip.part_none, self.names.level),
                                (part2clip.object_none, self.names.object_level)):  # fmt: skip
                nn.init.constant_(none, level + 0.2 * (1 - level))
        frozen = not isinstance(self.model.backbone, LiteCLIP)
        features = Features(self.model.backbone, out / "features", recipe.cache_gb, frozen)
        self.objective = self.team.wrap(Step(self.model, self.names, recipe.losses, features))

    def _groups(self) -> list[dict[str, Any]]:
        """Tower and heads with their own rates; no decay on vectors and scalars."""
        self.model.requires_grad_(True)
        self.model.backbone.requires_grad_(False)
        tower: list[nn.Parameter] = []
        if isinstance(self.model.backbone, LiteCLIP):
            trunk: Any = self.model.backbone.clip.visual.trunk
            tower = [p for b in trunk.blocks[FROZEN_BLOCKS:] for p in b.parameters()]
        heads = [p for n, p in self.model.named_parameters() if not n.startswith("backbone.")]
        groups: list[dict[str, Any]] = []
        for params, rate in ((tower, self.recipe.tower_lr), (heads, self.recipe.lr)):
            for wide in (True, False):
                chosen = [p.requires_grad_(True) for p in params if (p.ndim > 1) == wide]
                groups.append({"params": chosen, "peak": rate})
                if not wide:
                    groups[-1]["weight_decay"] = 0.0
        return groups

    def rate(self) -> float:
        """Share of the peak rate at this step: linear warm-up, then a cosine to 2%."""
        warmup = min(1.0, (self.step + 1) / self.recipe.warmup)
        done = min(1.0, self.step / self.recipe.steps)
        return warmup * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))

    def fit(self, steps: int, minutes: float | None) -> None:
        """Train up to ``steps`` in all, or until ``minutes`` of this call are over."""
        source = stream.SampleStream(
            self.sets, self.recipe.sets, self.recipe.samples, self.recipe.batch,
            self.recipe.seed, self.step, self.team.rank, self.team.size,
            self.recipe.views,
        )  # fmt: skip
        loader = torch.utils.data.DataLoader(source, None, num_workers=1, prefetch_factor=3)
        began = last = time.monotonic()
        batches = iter(loader)
        while self.step < steps:
            terms = self.advance(next(batches))
            self.step += 1
            now = time.monotonic()
            self._log(terms, now - last, (steps - self.step) * (now - last))
            last = now
            if self.step % self.recipe.save_every == 0:
                self.save()
            if minutes and self.team.agree(now - began > 60 * minutes):
                break
        self.save()

    def advance(self, samples: Sequence[Sample]) -> dict[str, Tensor]:
        """One optimizer step."""
        images = torch.from_numpy(np.stack([s.image for s in samples])).to(self.model.device)
        images = images.permute(0, 3, 1, 2).float().div_(255)
        images = images.contiguous(memory_format=torch.channels_last)
        rng = np.random.default_rng((self.recipe.seed, self.step, self.team.rank, 1))
        loss, terms = self.objective(images, samples, rng)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * self.rate()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        params = [p for g in self.optimizer.param_groups for p in g["params"]]
        nn.utils.clip_grad_norm_(params, 5.0)
        self.optimizer.step()
        return terms

    def _log(self, terms: dict[str, Tensor], seconds: float, left: float) -> None:
        if not self.team.leads:
            return
        row: dict[str, float | str] = {"step": self.step, "seconds": round(seconds, 2)}
        row |= {k: round(terms[k].item(), 4) if k in terms else "" for k in LOGGED}
        file = self.out / "log.csv"
        fresh = not file.is_file()
        with file.open("a", newline="") as handle:
            writer = csv.DictWriter(handle, row)
            if fresh:
                writer.writeheader()
            writer.writerow(row)
        if self.step % 10 == 0:
            log.info("%s  eta %.0f min", row, left / 60)

    def save(self) -> None:
        """Everything that a later call needs to go on, written whole or not at all."""
        if not self.team.leads:
            return
        temporary = self.out / ".last.pt"
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        torch.save(state | {"step": self.step}, temporary)
        temporary.replace(self.out / "last.pt")
        if (self.out / "log.csv").is_file():
            curves.draw(self.out / "log.csv", self.out / "log.png")

    def resume(self) -> None:
        """Go on from the last saved step, if there is one."""
        file = self.out / "last.pt"
        if not file.is_file():
            return
        state = torch.load(file, weights_only=True, map_location=self.model.device)
        self.model.load_state_dict(state["model"])
        if state["optimizer"] is not None:
            self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]
        log.info("resumed at step %d", self.step)

    def metadata(self) -> dict:
        """Where the weights come from, for the checkpoint's header."""
        return {
            "training_sets": {s.name: len(s.images) for s in self.sets},
            "steps": self.step,
            "batch": self.recipe.batch,
            "normalisation": {"mean": self.model.backbone.mean, "std": self.model.backbone.std},
        }


LOGGED = ("oracle", "text", "objects", "similarity", "masks", "iou", "click_iou", "distillation",
          "separation", "enhancement")  # fmt: skip
