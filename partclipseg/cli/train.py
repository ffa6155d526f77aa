"""``train``: the training loop of ``partclipseg.training``, from a config file."""

import argparse
from pathlib import Path

from partclipseg.cli import options

SUMMARY = "train a model from a config file"

DESCRIPTION = """\
Trains a model on all sets that the config names. Everything that it writes (log, states to go on
from, the checkpoint) goes to the output folder. A training that was stopped at any time goes on
from its last state when the same command is given again.

"train pack" writes the training data of the recipe's sets, scaled down, to one ZIP file that
--data takes as well: for a machine with a GPU and without the data.
"""

EXAMPLES = """\
examples:
  python -m partclipseg train --config configs/lite.json --data data --out runs/lite
  python -m partclipseg train --config configs/lite.json --data data --out runs/lite --minutes 30
  python -m partclipseg train --config my.json --data mine --out runs/mine --init lite
  python -m partclipseg train pack --config configs/lite.json --data data --out packed.zip
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", nargs="?", choices=["pack"], help="pack the data instead of training"
    )
    parser.add_argument(
        "--config",
        required=True,
        type=Path,
        metavar="FILE",
        help="the recipe, e.g. configs/lite.json",
    )
    parser.add_argument(
        "--data",
        required=True,
        type=Path,
        metavar="DIR",
        help="the folder that holds the sets, or a file that train pack wrote",
    )
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="DIR",
        help="where the training writes: a folder, with pack a file",
    )
    parser.add_argument(
        "--backbone",
        metavar="NAME",
        help="train heads for this frozen open_clip NAME/PRETRAINED instead of the recipe's CLIP",
    )
    parser.add_argument(
        "--init",
        metavar="MODEL",
        help="begin with the weights of this model, lite or a .safetensors file, text tower and "
        "all, instead of anew",
    )
    parser.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="go on from the last state in the output folder, if there is one (default), or begin "
        "anew",
    )
    parser.add_argument(
        "--steps", type=options.positive, metavar="N", help="stop after N steps in all"
    )
    parser.add_argument(
        "--limit-mb", type=options.positive, default=60, metavar="N",
        help="with pack: the most that the file may take (default 60)",
    )  # fmt: skip
    parser.add_argument(
        "--minutes", type=options.positive, metavar="N", help="stop this run after N minutes"
    )


def run(args: argparse.Namespace) -> int:
    """Hand over to ``partclipseg.training``."""
    import logging

    from partclipseg import training

    if args.action == "pack":
        options.writable_folder(args.out.absolute().parent)
        size = training.pack_data(args.config, args.data, args.out, limit_mb=args.limit_mb)
        print(f"{args.out} ({size / 1e6:.1f} MB)")
        return 0
    options.writable_folder(args.out)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    checkpoint = training.run(
        args.config,
        args.data,
        args.out,
        resume=args.resume,
        steps=args.steps,
        minutes=args.minutes,
        backbone=args.backbone,
        init=args.init,
    )
    print(checkpoint)
    return 0
