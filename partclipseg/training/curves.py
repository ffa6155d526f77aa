"""The training log as a picture: every loss over the steps, raw and smoothed."""

import csv
import os
from pathlib import Path

import numpy as np

SMOOTHED = 50  # steps of the moving average
SKIPPED = ("step", "seconds")


def read_log(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Column name -> (steps, values) of a training's ``log.csv``; empty cells are left out."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    curves = {}
    for name in rows[0] if rows else ():
        filled = [(float(r["step"]), float(r[name])) for r in rows if r[name]]
        if filled and name not in SKIPPED:
            steps, values = np.array(filled).T
            curves[name] = (steps, values)
    return curves


def smooth(values: np.ndarray, width: int = SMOOTHED) -> np.ndarray:
    """Moving average over the last ``width`` values, fewer at the start; same length."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(0, ends - width)
    return (sums[ends] - sums[starts]) / (ends - starts)


def draw(log: Path, picture: Path) -> None:
    """Draw ``log.csv`` into a PNG, written whole or not at all."""
    from matplotlib.figure import Figure

    curves = read_log(log)
    if not curves:
        return
    rows = -(-len(curves) // 2)
    figure = Figure(figsize=(9, 2.2 * rows), layout="constrained")
    for index, (name, (steps, values)) in enumerate(curves.items()):
        axes = figure.add_subplot(rows, 2, index + 1)
        axes.plot(steps, values, color="#c7c7c7", linewidth=0.6)
        axes.plot(steps, smooth(values), color="#0072b2", linewidth=1.4)
        axes.set_title(name.replace("_", " "), fontsize=9)
        axes.tick_params(labelsize=8)
    temporary = picture.with_name(f".{picture.name}.{os.getpid()}")
    figure.savefig(temporary, format="png", dpi=110)
    temporary.replace(picture)
