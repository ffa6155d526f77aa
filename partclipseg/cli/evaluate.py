"""``evaluate``: score a model on a folder of annotated photos."""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from partclipseg.cli import options
from partclipseg.errors import InputError

SUMMARY = "score a model on annotated photos"

DESCRIPTION = """\
Scores a model on the photos in DIR/images as DIR/SPLIT.json describes them, in COCO style: a
category's name is the part and its supercategory the object; masks are compressed RLE. A list
"objects" may hold whole-object masks (id, image_id, name, segmentation), which annotations refer to
by object_id; without it an object is the union of its parts.

protocols:
  oracle  the object's region and name are given; its part names compete inside it. Pixels without
          a part label are ignored. Gives miou.
  text    only the names are given; background counts. Gives miou.
  click   one click in the middle of each target: IoU of the best of the returned masks (iou_best)
          and of the one ranked first (iou_first); then the number of clicks to an IoU of 80% and
          85%, at most 20 (noc80, noc85).
  label   annotated masks are given, to be named among the part names of their object. Gives
          recall1 and recall5.
--novel names objects and parts that were kept out of training: oracle and text then give the
figures of seen and novel classes apart, and their harmonic mean.
miou is the mean over classes of the IoU of the whole split; mean_iou is the mean over every
(photo, object, part) with a mask of at least 0.2% of the photo.
"""

EXAMPLES = """\
examples:
  python -m partclipseg evaluate --data data/cars --split val --protocol oracle --json cars.json
  python -m partclipseg evaluate --data data/cars --protocol click --noc-targets 50 --json c.json

  python -m partclipseg evaluate --data data/cars --protocol oracle --json tyre.json \\
      --synonyms configs/withheld_synonyms.json
  python -m partclipseg evaluate --data data/things --protocol text --json novel.json \\
      --novel configs/holdout.json

  python -m partclipseg evaluate --data data/cars --protocol click --baseline walker --json w.json

exit codes:
  0  done
  2  the data, the model or the output cannot be used; one sentence says why
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", required=True, type=Path, metavar="DIR", help="the folder of the set"
    )
    parser.add_argument(
        "--split", default="val", metavar="NAME", help="reads DIR/NAME.json (default: val)"
    )
    parser.add_argument(
        "--protocol",
        required=True,
        choices=("oracle", "text", "click", "label"),
        help="what is given and what is counted, see above",
    )
    options.add_model(parser)
    parser.add_argument(
        "--limit",
        type=options.positive,
        metavar="N",
        help="only the first N photos",
    )
    parser.add_argument(
        "--noc-targets",
        type=options.count,
        metavar="N",
        help="click: count clicks on N targets spread over the set, 0 for none (default: on all; "
        "this is by far the slowest part)",
    )
    parser.add_argument(
        "--ask-all",
        action="store_true",
        help="text: give the names of all objects of the set, not of the photo's own alone "
        "(Pred-All)",
    )
    parser.add_argument(
        "--synonyms",
        type=Path,
        metavar="FILE",
        help='ask with other part names: a JSON file {"car": {"wheel": "tyre"}}',
    )
    parser.add_argument(
        "--baseline",
        choices=("maskclip", "slic", "walker", "probe"),
        help="score what one might use instead: the CLIP tower alone; superpixels named by the "
        "model; a random walker (click only); a linear layer trained on DIR/train.json. "
        "slic and walker need requirements-train.txt",
    )
    parser.add_argument(
        "--novel",
        type=Path,
        metavar="FILE",
        help="oracle, text: seen and novel names apart; a JSON file such as configs/holdout.json, "
        '{"objects": ["fox"], "parts": ["beak"]}',
    )
    parser.add_argument(
        "--json", required=True, type=Path, metavar="FILE", help="where the figures go"
    )


def run(args: argparse.Namespace) -> int:
    """Score, write the JSON, print the figures."""
    if args.json.is_dir():
        raise InputError(f'"{args.json}" is a folder; --json needs the name of a file.')
    options.writable_folder(args.json.parent)

    from tqdm import tqdm

    from partclipseg import datasets
    from partclipseg.evaluation import evaluate, novelty

    if args.ask_all and args.protocol != "text":
        raise InputError("--ask-all goes with --protocol text alone.")
    novel = None if args.novel is None else novelty.read(args.novel)
    dataset = datasets.read(args.data, args.split)
    if args.synonyms is not None:
        dataset = datasets.renamed(dataset, _read_synonyms(args.synonyms))
    report = evaluate(
        _predictor(args),
        dataset,
        args.protocol,
        limit=args.limit,
        noc_targets=args.noc_targets,
        novel=novel,
        ask_all=args.ask_all,
        progress=lambda photos: tqdm(photos, desc=f"{dataset.name} {args.protocol}", unit="photo"),
    )
    if args.synonyms is not None:
        report = replace(report, asked_with=args.synonyms.stem)
    report.write(args.json)
    print(report.summary())
    return 0


def _predictor(args: argparse.Namespace) -> Any:
    """The model, or the baseline that is to be scored in its place."""
    if args.baseline is None:
        return options.predictor(args)
    from partclipseg.evaluation import baselines

    if args.baseline == "walker":
        return baselines.Walker()
    model = options.predictor(args)
    if args.baseline == "slic":
        return baselines.Superpixels(model)
    if args.baseline == "maskclip":
        return baselines.MaskClip(model.model)
    from tqdm import tqdm

    from partclipseg import datasets
    from partclipseg.evaluation import probe

    training = datasets.read(args.data, "train")
    return probe.train(
        model.model, training, progress=lambda photos: tqdm(photos, desc="probe", unit="photo")
    )


def _read_synonyms(path: Path) -> dict[str, dict[str, str]]:
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
        return {str(o): {str(p): str(n) for p, n in parts.items()} for o, parts in names.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(
            f'"{path}" cannot be read as synonyms; the form is {{"car": {{"wheel": "tyre"}}}}.'
        ) from error
