"""``segment``: photos and prompts in; overlays, masks and JSON out."""

import argparse
import math
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partclipseg.cli import options
from partclipseg.cli.outputs import (
    Outputs,
    complaint,
    each_once,
    explained,
    line,
    output_stems,
    save,
    shown,
)
from partclipseg.errors import InputError

if TYPE_CHECKING:
    from partclipseg.predictor import PartPredictor
    from partclipseg.results import Segmentation

SUMMARY = "find parts in photos"

DESCRIPTION = """\
Finds parts in photos. Say what to look for with --text, point at it with --point, --box or --mask,
or take all there is with --everything. Clicks, boxes and masks may be combined with each other and
with --text, which then names what they point at. Coordinates are pixels of the upright photo,
(0, 0) at its upper left.

For each PHOTO (NAME.jpg) the output folder gets
  NAME_overlay.png     the photo with coloured parts and a legend
  NAME_01_LABEL.png    one black and white mask a part, best first
  NAME.json            labels, scores, boxes, areas, masks (COCO RLE)
Files of an earlier run with these names are replaced. Photos that share a name get a number
(NAME_2), very long names are cut, and input photos are never written over.
"""

EXAMPLES = """\
examples:
  python -m partclipseg segment car.jpg --text "car: wheel, front door, headlight" --out results
  python -m partclipseg segment holiday/*.jpg --text "dog: head, tail; person: hand" --out results
  python -m partclipseg segment car.jpg --point 310,220 --point 400,90,- --out results
  python -m partclipseg segment car.jpg --box 40,60,300,200 --granularity part --out results
  python -m partclipseg segment car.jpg --everything --out results
  python -m partclipseg segment archive/*.jpg --text "dog: head" --engine ray --out results

the language of --text:
  "car: wheel, door"     parts of an object       "car: wheel; dog: head"   of several objects
  "handle"               a part of anything       "car:"                    a whole object
  "car: door, -handle"   a door without handle

exit codes:
  0  all photos done
  1  some photos could not be done (each is named with the reason), the others are
  2  nothing was done: bad usage, unknown model, output folder that cannot be written to
"""


def point(text: str) -> tuple[float, float, int]:
    """``X,Y`` or ``X,Y,-`` -> (x, y, 1 or 0)."""
    *numbers, sign = text.split(",") if text.count(",") == 2 else [*text.split(","), "+"]
    if len(numbers) != 2 or sign.strip() not in ("+", "-"):
        raise argparse.ArgumentTypeError(
            f'"{text}" is not X,Y (this is part of it) or X,Y,- (this is not), e.g. 310,220'
        )
    x, y = (_number(number) for number in numbers)
    return x, y, int(sign.strip() == "+")


def box(text: str) -> tuple[float, float, float, float]:
    """``X0,Y0,X1,Y1`` -> its upper left and lower right corner."""
    numbers = text.split(",")
    if len(numbers) != 4:
        raise argparse.ArgumentTypeError(f'"{text}" is not X0,Y0,X1,Y1, e.g. 40,60,300,200')
    x0, y0, x1, y1 = (_number(number) for number in numbers)
    return x0, y0, x1, y1


def share(text: str) -> float:
    """A number between 0 and 1."""
    value = _number(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f'"{text.strip()}" is not a number')
    return value


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="JPEG, PNG, ...")
    prompts = parser.add_argument_group("what to find (at least one)")
    prompts.add_argument("--text", metavar="TEXT", help='words, e.g. "car: wheel, front door"')
    prompts.add_argument(
        "--point",
        type=point,
        action="append",
        default=[],
        metavar="X,Y[,-]",
        help="a click on the part, or with ,- one beside it; may be repeated",
    )
    prompts.add_argument(
        "--box",
        type=box,
        action="append",
        default=[],
        metavar="X0,Y0,X1,Y1",
        help="a box around the part; may be repeated",
    )
    prompts.add_argument(
        "--mask",
        type=Path,
        metavar="FILE",
        help="a rough mask to be refined: an image of the photo's size, bright inside",
    )
    prompts.add_argument(
        "--everything",
        action="store_true",
        help="all regions; with --text, its words are the names to choose from",
    )
    parser.add_argument(
        "--granularity",
        choices=("whole", "part", "subpart"),
        help="how large a piece a click, box or mask means (default: up to three suggestions)",
    )
    parser.add_argument(
        "--threshold",
        type=share,
        metavar="P",
        help="how sure a part found by --text alone must be, between 0 and 1 (default: 0.5)",
    )
    options.add_model(parser)
    parser.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="the output folder, made if needed"
    )
    parser.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="ray shares the photos among the workers of a Ray cluster, or of this machine; it "
        "writes NAME.json alone, skips photos that are finished, and needs "
        "requirements-ray.txt (default: local)",
    )
    parser.add_argument(
        "--workers",
        type=options.positive,
        default=2,
        metavar="N",
        help="ray: how many workers, each with a model of its own (default: 2)",
    )


@dataclass(frozen=True)
class Request:
    """What to find, the same in every photo."""

    text: str | None
    points: tuple[tuple[float, float, int], ...]
    boxes: tuple[tuple[float, float, float, float], ...]
    mask: Any | None  # (H, W) float32
    everything: bool
    granularity: str | None
    threshold: float | None

    @classmethod
    def of(cls, args: argparse.Namespace) -> "Request":
        """Check that the options make sense together, before a model is loaded for them.

        Raises:
            InputError: where they do not, or the text or the mask file cannot be read.
        """
        pointed = bool(args.point or args.box or args.mask)
        if not (pointed or args.everything or args.text is not None):
            raise InputError(
                "Say what to find with --text, --point, --box, --mask or --everything."
            )
        if args.everything and pointed:
            raise InputError(
                "--everything finds all regions; leave out --point, --box and --mask, or leave "
                "out --everything."
            )
        if args.granularity and not pointed:
            raise InputError(
                "--granularity is about clicks, boxes and masks; add --point, --box or --mask."
            )
        if args.threshold is not None and (pointed or args.everything):
            raise InputError("--threshold is for --text without clicks, boxes or --everything.")
        if args.text is not None:
            _check_text(args.text)
        return cls(
            text=args.text,
            points=tuple(args.point),
            boxes=tuple(args.box),
            mask=None if args.mask is None else read_mask(args.mask),
            everything=args.everything,
            granularity=args.granularity,
            threshold=args.threshold,
        )

    def ask(self, predictor: "PartPredictor", photo: Any) -> "Segmentation":
        """Find it in one encoded photo."""
        if self.everything:
            return predictor.everything(self.text, photo=photo)
        if self.points or self.boxes or self.mask is not None:
            return predictor.predict(
                points=[(x, y) for x, y, _ in self.points] or None,
                point_labels=[label for _, _, label in self.points] or None,
                boxes=list(self.boxes) or None,
                mask=self.mask,
                text=self.text,
                granularity=self.granularity,
                photo=photo,
            )
        assert self.text is not None  # noqa: S101 - argparse has seen to it
        if self.threshold is None:
            return predictor.segment(self.text, photo=photo)
        return predictor.segment(self.text, threshold=self.threshold, photo=photo)


def _check_text(text: str) -> None:
    from partclipseg import prompts

    for note in prompts.parse(text).notes:
        print(f"partclipseg: {note}", file=sys.stderr)


def read_mask(path: Path) -> Any:
    """A mask image as ``(H, W)`` float32, 1 inside and 0 outside.

    Inside is what is brighter than half of the brightest pixel, so masks of 0 and 255, of 0 and 1
    and 16-bit ones all work.

    Raises:
        InputError: where it is no image, or dark all over.
    """
    from partclipseg import images

    try:
        values = images.read_grey(path)
    except InputError as error:
        raise InputError(f"The mask cannot be used: {error}") from error
    brightest = float(values.max())
    if not brightest > 0:
        raise InputError(f'The mask "{shown(path)}" is black all over; paint the part white.')
    return (values > brightest / 2).astype("float32")


def run(args: argparse.Namespace) -> int:
    """Do every photo that can be done; returns the exit code."""
    # Pillow's own warnings, of large or odd files, say in other words what we say in a sentence.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    request = Request.of(args)
    photos = each_once(args.photos)
    if args.engine == "ray":
        from partclipseg.cli import cluster

        return cluster.run(args, request, photos)
    outputs = Outputs(options.writable_folder(args.out), photos)
    predictor = options.predictor(args)
    failed = 0
    with progress(len(photos)) as bar:
        for path, stem in zip(photos, output_stems(photos), strict=True):
            try:
                encoded = predictor.encode(path)
                result = request.ask(predictor, encoded)
                written = save(result, encoded.photo, stem, outputs)
            except Exception as error:
                # Whatever is wrong with one photo must not cost the others theirs.
                failed += 1
                bar.write(complaint(path, explained(error)), file=sys.stderr)
            else:
                notes = [*encoded.photo.notes, *result.messages]
                bar.write(line(path, len(result.parts), written, notes))
            bar.update()
    return closing(failed, len(photos))


def progress(photos: int) -> Any:
    """A bar for that many photos; lines are written beside it with its ``write``."""
    from tqdm import tqdm

    return tqdm(total=photos, desc="segment", unit="photo", disable=photos == 1)


def closing(failed: int, photos: int) -> int:
    """Say how many photos could not be done; returns the exit code."""
    if failed and photos > 1:
        print(f"partclipseg: {failed} of {photos} photos could not be done.", file=sys.stderr)
    return 1 if failed else 0
