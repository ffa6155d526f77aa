"""``convert``: public benchmarks into this project's own form of a set."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from partclipseg.cli import options

SUMMARY = "convert a public benchmark into a folder for evaluate and train"

DESCRIPTION = """\
Reads a benchmark as its publisher hands it out and writes OUT/SPLIT.json and OUT/images. Photos are
hard-linked where possible. Where the benchmark has published unseen objects they go to
OUT/novel.json, for evaluate --novel.

formats and the layout that is expected in SRC (docs/benchmarks.md has where each comes from):
  partimagenet     annotations/SPLIT/SPLIT.json, images/SPLIT               train, val, test
  pascal-part-116  images/SPLIT, annotations_detectron2_{obj,part}/SPLIT    train, val
  ade20k-part-234  ade20k_instance_SPLIT.json, images/{training,validation},
                   annotations_detectron2_part/{training,validation}        train, val
  paco-lvis        paco_lvis_v1_SPLIT.json, train2017, val2017              train, val, test
  coco             annotations/instances_SPLIT2017.json, SPLIT2017          train, val
  lvis             lvis_v1_SPLIT.json, train2017, val2017                   train, val
"""

EXAMPLES = """\
examples:
  python -m partclipseg convert pascal-part-116 Datasets/Pascal-Part-116 data/pascal --split val
  python -m partclipseg evaluate --data data/pascal --split val --protocol oracle \\
      --novel data/pascal/novel.json --json pascal.json

exit codes:
  0  done
  2  the download is not of the layout above, or OUT cannot be written to
"""

FORMATS = ("partimagenet", "pascal-part-116", "ade20k-part-234", "paco-lvis", "coco", "lvis")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("format", choices=FORMATS, metavar="FORMAT", help=", ".join(FORMATS))
    parser.add_argument("source", type=Path, metavar="SRC", help="the unpacked download")
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder to write")
    parser.add_argument("--split", default="val", metavar="NAME", help="default: val")
    parser.add_argument(
        "--limit", type=options.positive, metavar="N", help="only the first N photos"
    )


def run(args: argparse.Namespace) -> int:
    """Read, write, say how much it was."""
    options.writable_folder(args.out)
    from partclipseg import benchmarks, datasets

    dataset = benchmarks.READERS[args.format](args.source, args.split)
    dataset = replace(dataset, images=dataset.images[: args.limit])
    file = datasets.write(dataset, args.out)
    unseen = benchmarks.unseen(args.format)
    if unseen is not None:
        text = json.dumps(unseen, indent=1) + "\n"
        (args.out / "novel.json").write_text(text, encoding="utf-8")
    masks = sum(len(photo.annotations) for photo in dataset.images)
    print(f"{file}: {len(dataset.images)} photos, {masks} masks, {len(dataset.pairs)} classes")
    return 0
