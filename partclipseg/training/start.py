"""Where a run starts and ends: ImageNet weights, distilled text tower, global projection."""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from safetensors.torch import load_file, save_file

from partclipseg import datasets, loading, vocabulary
from partclipseg.clip import hub
from partclipseg.clip.lite import LiteCLIP
from partclipseg.errors import CheckpointError
from partclipseg.modeling.partclipseg import PartCLIPSeg, build
from partclipseg.training import alignment, phrases, text
from partclipseg.training.names import read_words
from partclipseg.training.recipe import Recipe
from partclipseg.vocabulary.wordnet import read_synsets


def heads_for(name: str, recipe: Recipe) -> PartCLIPSeg:
    """New heads for a CLIP of open_clip's, ``NAME/PRETRAINED``.

    Raises:
        ModelNotFoundError: there is no such model, or its weights cannot be had here.
    """
    clip = hub.load_open_clip(name)
    config = replace(recipe.model, backbone=clip.name, embed_dim=clip.embed_dim)
    return PartCLIPSeg(clip, config)


def from_weights(name: str | Path, recipe: Recipe) -> PartCLIPSeg:
    """The recipe's model with the weights of another, by its name or path.

    Only layers of context may be new: they begin as the identity.

    Raises:
        CheckpointError: the file cannot be read, or its model is of another form.
        ModelNotFoundError: there is no such model.
    """
    source, model = loading.load(str(name), "cpu"), build(recipe.model)
    given, own = source.state_dict(), model.state_dict()
    new = [k for k in own if k not in given and not k.startswith("adapter.context.")]
    if other := new + [k for k in given if k not in own or given[k].shape != own[k].shape]:
        raise CheckpointError(
            f"The model {name} is not of the recipe's form (for example {other[0]})."
        )
    model.load_state_dict(given, strict=False)
    return model


def known_objects(sets: Sequence[datasets.PartDataset], recipe: Recipe
                  ) -> list[datasets.PartDataset]:  # fmt: skip
    """Photos that are only named show what the other sets call by a more general name, too."""
    named = {o for s in sets for o, _ in s.pairs}
    return [
        with_kinds(s, named, Path(recipe.text.wordnet)) if any(i.shows for i in s.images) else s
        for s in sets
    ]


def with_kinds(dataset: datasets.PartDataset, known: Collection[str], wordnet: Path
               ) -> datasets.PartDataset:  # fmt: skip
    """A photo that shows a beagle shows a dog, if ``known`` objects include one.

    By WordNet's "is a kind of", for photos whose ``group`` is a WordNet id (n02088364).
    """
    synsets = read_synsets(wordnet)

    def kinds(offset: str) -> Iterator[str]:
        for above in synsets[offset].targets("@", "@i") if offset in synsets else ():
            yield from synsets[above].lemmas
            yield from kinds(above)

    def extended(photo: datasets.PhotoRecord) -> datasets.PhotoRecord:
        more = [n for n in kinds((photo.group or "")[1:]) if n in known]
        return replace(photo, shows=tuple(dict.fromkeys((*photo.shows, *more))))

    return replace(dataset, images=tuple(map(extended, dataset.images)))


def slug(name: str) -> str:
    """A model's name as part of a file name: ``ViT-B-16/openai`` -> ``ViT-B-16-openai``."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")


def load_imagenet_tower(model: PartCLIPSeg) -> None:
    """The ImageNet classifier's tower, without its last layer."""
    source = alignment.imagenet_classifier().state_dict()
    trunk = cast(LiteCLIP, model.backbone).clip.visual.trunk
    trunk.load_state_dict({k: v for k, v in source.items() if not k.startswith("classifier.")})


def data_words(
    sets: Sequence[datasets.PartDataset], data: Path
) -> tuple[list[tuple[str, str]], list[str]]:
    """(part, object) pairs and object names of the training sets and of the unlabelled photos."""
    pairs = [(p, o) for s in sets for o, p in s.pairs if o != datasets.SCENE]
    objects = [o.name for s in sets for i in s.images for o in i.objects]
    labels = data / "photos" / "labels.json"
    if labels.is_file():
        objects += [n for row in json.loads(labels.read_text()).values() for n in row["names"]]
    return list(dict.fromkeys(pairs)), list(dict.fromkeys(objects))


def prepare_text_tower(
    model: PartCLIPSeg,
    recipe: Recipe,
    sets: Sequence[datasets.PartDataset],
    data: Path,
    out: Path,
) -> dict[str, float]:
    """Distil the text tower, or read it where an earlier call has left it; how well it agrees."""
    file, report = out / "text.safetensors", out / "text_report.json"
    backbone = cast(LiteCLIP, model.backbone)
    tower = backbone.clip.text
    if not file.is_file():
        pairs, objects = data_words(sets, data)
        withheld = read_words(recipe.folder / recipe.withheld)
        kept_back = [w for d in withheld.values() for w in d.values()]
        nouns = phrases.read_wordnet(Path(recipe.text.wordnet))
        made = phrases.build(nouns, pairs, objects, kept_back, recipe.text.phrases, recipe.seed)
        result = text.train_text_tower(
            tower, backbone.tokenizer, made, out, minutes=recipe.text.minutes
        )
        names = [f"{p} of a {o}" for p, o in pairs] + objects
        names += [f"{p} of a {o}" for o, ps in vocabulary.common().items() for p in ps]
        text.whiten(tower, backbone.tokenizer(names))
        report.write_text(json.dumps(result, indent=2))
        save_file({k: v for k, v in tower.state_dict().items() if k != "attn_mask"}, file)
    tower.load_state_dict(load_file(file), strict=False)
    return json.loads(report.read_text()) if report.is_file() else {}


def fit_global(
    model: PartCLIPSeg, sets: Sequence[datasets.PartDataset], data: Path, most: int = 150
) -> dict[str, float]:
    """The global projection, fitted on the unlabelled photos and up to ``most`` of each set."""
    unlabelled = []
    if (data / "photos").is_dir():
        unlabelled = [path for path, _ in alignment.labelled_photos(data)]
    labelled = [i.path for s in sets for i in s.images[:most]]
    return alignment.fit_projection(model, unlabelled + labelled)
