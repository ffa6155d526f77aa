"""From the JSON files of ``evaluate`` and ``benchmark`` to one page with tables and plots."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from partclipseg.errors import InputError
from partclipseg.evaluation import figures

Json = Mapping[str, Any]

ORDER = ("cars", "faces", "cells", "buildings", "clothes", "rooms", "things")
HEADLINES = {"oracle": "miou", "text": "miou", "click": "iou_first", "label": "recall1"}
COLUMNS = {
    "oracle": ("miou", "mean_iou", "mean_boundary_iou"),
    "text": ("miou", "mean_iou", "mean_boundary_iou"),
    "click": (
        "iou_best", "iou_first", "boundary_iou_best", "boundary_iou_first",
        "noc80", "noc85", "noc_targets",
    ),
    "label": ("recall1", "recall5", "ece"),
}  # fmt: skip
TITLES = {
    "oracle": "Parts inside a given object (Oracle-Obj)",
    "text": "Parts from words alone",
    "click": "Parts from clicks",
    "label": "Names of given masks",
}
MEANINGS = {
    "oracle": "The object's region and name are given; its part names compete inside it. Only "
    "pixels with a part label are scored.",
    "text": "Only the names of the photo's objects and of all their parts are given; what is "
    "painted beside a part counts against it.",
    "click": "One click in the middle of each connected piece of a part: IoU of the best of the "
    "returned masks and of the one ranked first. `noc80`, `noc85`: clicks until the IoU is 80% "
    "and 85%, at most 20, each click on the largest error.",
    "label": "Annotated masks are given, to be named among the part names of their object. `ece` "
    "is the expected calibration error of the probability of the surest name.",
}


@dataclass
class Results:
    """What was found in a folder.

    Attributes:
        evaluations: by (model, condition, set, protocol); the condition is ``""``, or the name of
            the synonyms that were asked with.
        benchmark: the newest of them, if there is one.
    """

    evaluations: dict[tuple[str, str, str, str], Json] = field(default_factory=dict)
    benchmark: Json | None = None

    @property
    def model(self) -> str:
        """The model that most evaluations are of: the one that the page is about."""
        names = [key[0] for key in self.evaluations]
        return max(dict.fromkeys(names), key=names.count, default="")

    def sets(self, protocol: str, model: str, condition: str = "") -> dict[str, Json]:
        """Set -> evaluation under a protocol, in the order of the page."""
        found = {
            key[2]: data
            for key, data in self.evaluations.items()
            if (key[0], key[1], key[3]) == (model, condition, protocol)
        }
        known = [name for name in ORDER if name in found]
        return {name: found[name] for name in [*known, *sorted(set(found) - set(known))]}


def collect(folder: Path) -> Results:
    """Read every evaluation and benchmark below a folder; other JSON files are passed over.

    Of two evaluations of the same thing, that over more photos counts.

    Raises:
        InputError: where there is none.
    """
    results = Results()
    for path in sorted(folder.rglob("*.json")):
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if not isinstance(data, dict):
            continue
        if {"encode_ms", "cpu"} <= data.keys():
            results.benchmark = data
        elif {"protocol", "data", "model", "images", "per_class"} <= data.keys():
            # Before the JSON said so itself, only the file's name told of synonyms.
            asked_with = data.get("synonyms") or ("synonyms" if "synonym" in path.stem else "")
            key = (data["model"], asked_with, data["data"], data["protocol"])
            known = results.evaluations.get(key)
            if known is None or known["images"] <= data["images"]:
                results.evaluations[key] = data
    if not results.evaluations and results.benchmark is None:
        raise InputError(f'"{folder}" holds no JSON of evaluate or benchmark.')
    return results


def pages(results: Results, source: str) -> tuple[str, dict[str, bytes]]:
    """The page, and the pictures that it shows by file name; they lie in ``images/`` beside it.

    Args:
        source: how to write the folder of the JSON files in commands.
    """
    model = results.model
    lines = [
        "# Results", "",
        "Written by `python -m partclipseg report` from what `evaluate` and `benchmark` measured; "
        "do not edit it by hand. All photos are of the validation splits, which no model was "
        "trained on. Figures are fractions, 1 is perfect, unless a unit is named; a dash was not "
        "measured.", "",
    ]  # fmt: skip
    pictures: dict[str, bytes] = {}
    for protocol in COLUMNS:
        lines += _protocol(results, protocol, model, source)
    lines += _calibration(results, model, pictures)
    lines += _novel(results, model)
    lines += _synonyms(results, model)
    lines += _baselines(results, model, pictures)
    lines += _classes(results, model, pictures)
    if results.benchmark is not None:
        lines += _speed(results.benchmark)
    return "\n".join(lines).rstrip() + "\n", pictures


def _protocol(results: Results, protocol: str, model: str, source: str) -> list[str]:
    sets = results.sets(protocol, model)
    if not sets:
        return []
    columns = COLUMNS[protocol]
    rows = [
        [name, data["images"], data["targets"], *(data.get(column) for column in columns)]
        for name, data in sets.items()
    ]
    split = next(iter(sets.values())).get("split", "val")
    return [
        f"## {TITLES[protocol]}", "", MEANINGS[protocol], "",
        *table(["set", "photos", "targets", *columns], rows), "",
        "```",
        f"python -m partclipseg evaluate --data DIR/SET --split {split} --protocol {protocol} \\",
        f"    --model {model} --json {source}/SET-{protocol}.json",
        "```", "",
    ]  # fmt: skip


def _calibration(results: Results, model: str, pictures: dict[str, bytes]) -> list[str]:
    sets = results.sets("label", model)
    bins = {name: data["calibration"] for name, data in sets.items() if data.get("calibration")}
    if not bins:
        return []
    pictures["results-calibration.png"] = figures.reliability(bins)
    return [
        "![How often the surest name is right, against its probability]"
        "(images/results-calibration.png)", "",
        "Dots are larger where more masks fell. Below the dashed line the model is surer than it "
        "should be.", "",
    ]  # fmt: skip


def _novel(results: Results, model: str) -> list[str]:
    rows = []
    for protocol in ("oracle", "text"):
        for name, data in results.sets(protocol, model).items():
            novel = data.get("novel")
            if novel:
                groups = ("seen", "novel_objects", "novel_parts", "novel")
                counts = [f"{novel[g]['classes']} / {novel[g]['count']}" for g in groups[:3]]
                figure = "mean_iou" if name == "things" else "miou"
                rows.append(
                    [f"{name}, {protocol}", figure, *counts,
                     *(novel[g][figure] for g in (*groups, "harmonic"))]
                )  # fmt: skip
    if not rows:
        return []
    head = [
        "set, protocol", "figure", "seen: classes / masks", "novel objects", "novel parts",
        "seen (s)", "novel objects", "novel parts", "novel (u)", "harmonic mean (h)",
    ]  # fmt: skip
    return [
        "## Seen and novel names", "",
        "Names of `configs/holdout.json`; they are novel only to a model that was trained without "
        "them. All names compete with one another, only the averages are split.", "",
        *table(head, rows), "",
    ]  # fmt: skip


def _synonyms(results: Results, model: str) -> list[str]:
    rows = []
    for (name, asked_with, data_set, protocol), data in results.evaluations.items():
        if name == model and asked_with:
            own = results.sets(protocol, model).get(data_set, {})
            figure = HEADLINES[protocol]
            rows.append([data_set, protocol, asked_with, own.get(figure), data[figure]])
    if not rows:
        return []
    head = ["set", "protocol", "asked with", "own names", "other names"]
    return ["## Other words for the same parts", "", *table(head, rows), ""]


def _baselines(results: Results, model: str, pictures: dict[str, bytes]) -> list[str]:
    names = list(dict.fromkeys(key[0] for key in results.evaluations))
    others = [name for name in names if name != model]
    lines: list[str] = []
    for protocol, figure in HEADLINES.items():
        sets = {name: results.sets(protocol, name) for name in [model, *others]}
        compared = {name: found for name, found in sets.items() if found}
        if len(compared) < 2 or model not in compared:
            continue
        shown = [s for s in compared[model] if any(s in compared[o] for o in others if o in sets)]
        rows = {
            s: {name: found[s][figure] for name, found in compared.items() if s in found}
            for s in shown
        }
        head = ["set", "photos", *compared]
        cells = [
            [s, compared[model][s]["images"], *(row.get(name) for name in compared)]
            for s, row in rows.items()
        ]
        picture = f"results-models-{protocol}.png"
        pictures[picture] = figures.models(f"{TITLES[protocol]}: {figure}", rows)
        lines += [f"**{TITLES[protocol]}**, `{figure}`", "", *table(head, cells), ""]
        lines += [f"![{TITLES[protocol]} by model](images/{picture})", ""]
    if not lines:
        return []
    return [
        "## Beside what one might use instead", "",
        "See `partclipseg/evaluation/baselines.py` for what each one is. A linear probe knows the "
        "names of its set in advance and answers no others.", "", *lines,
    ]  # fmt: skip


def _classes(results: Results, model: str, pictures: dict[str, bytes]) -> list[str]:
    oracle, text = results.sets("oracle", model), results.sets("text", model)
    lines: list[str] = []
    for name in dict.fromkeys([*oracle, *text]):
        found = {"oracle": oracle.get(name), "text": text.get(name)}
        given = {protocol: data["per_class"] for protocol, data in found.items() if data}
        counts = {c: row["count"] for rows in given.values() for c, row in rows.items()}
        order = sorted(counts, key=lambda c: -counts[c])
        rows = {
            f"{c} ({counts[c]})": {p: r[c]["iou"] for p, r in given.items() if c in r}
            for c in order
        }
        picture = f"results-classes-{name}.png"
        pictures[picture] = figures.classes(f"{name}: IoU by class (masks)", rows)
        more = len(order) - figures.MOST_CLASSES
        said = f" The {figures.MOST_CLASSES} most frequent of {len(order)}." if more > 0 else ""
        lines += [f"![IoU by class, {name}](images/{picture})", "", f"{name}.{said}", ""]
    return ["## Class by class", "", *lines] if lines else []


def _speed(benchmark: Json) -> list[str]:
    from partclipseg.evaluation.benchmark import rows

    head = ["", "median", "best", "processor time"]
    lines = [
        "## Speed", "",
        f"{benchmark['cpu']}, {benchmark['threads']} threads, load {benchmark.get('load')} before "
        f"the start, PyTorch {benchmark.get('torch')}; photo: {benchmark.get('photo')}.", "",
        *table(head, [list(row) for row in rows(benchmark)]), "",
    ]  # fmt: skip
    if comparison := benchmark.get("comparison"):
        columns = list(next(iter(comparison.values())))
        cells = [[name, *(row[c] for c in columns)] for name, row in comparison.items()]
        for rival, ratio in benchmark.get("ratios", {}).items():
            cells.append([f"ours / {rival}", *(ratio.get(c) for c in columns)])
        lines += [
            "One photo, same threads; CLIPSeg and TinyViT with random weights, which cost the "
            "same.", "", *table(["", *columns], cells), "",
        ]  # fmt: skip
    return [*lines, "```", "python -m partclipseg benchmark --compare --json FILE", "```", ""]


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """Markdown lines; numbers with three decimals or as they are, None as a dash."""
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(_cell(value) for value in row)} |" for row in rows),
    ]


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 1000 else f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|")
