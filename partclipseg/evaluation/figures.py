"""Plots of what was measured, as PNG.

Figures are made without ``pyplot``, which keeps global state and wants a display.
"""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 110
INK, FAINT, GRID = "#1f2328", "#656d76", "#d8dee4"
# Okabe and Ito's colours, told apart with any colour vision.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#000000")
MOST_CLASSES = 40


def classes(title: str, rows: Mapping[str, Mapping[str, float | None]]) -> bytes:
    """Bars of IoU by class, one colour a protocol.

    Args:
        rows: class -> protocol -> IoU, in the order to be shown; more than ``MOST_CLASSES`` are
            left out.
    """
    shown = list(rows)[:MOST_CLASSES]
    protocols = list(dict.fromkeys(p for name in shown for p in rows[name]))
    figure = _figure(7.5, 1.3 + 0.26 * len(shown))
    axes = figure.add_subplot()
    places = np.arange(len(shown))
    height = 0.8 / max(1, len(protocols))
    for i, protocol in enumerate(protocols):
        values = [rows[name].get(protocol) or 0.0 for name in shown]
        offset = (i - (len(protocols) - 1) / 2) * height
        axes.barh(places + offset, values, height, color=COLOURS[i], label=protocol)
    axes.set_yticks(places, shown, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("IoU", color=FAINT)
    axes.set_title(title, loc="left", fontsize=11)
    axes.legend(fontsize=8, frameon=False, loc="lower right")
    _quiet(axes, "x")
    return _png(figure)


def reliability(sets: Mapping[str, Sequence[Mapping[str, float]]]) -> bytes:
    """How often answers are right against how sure the model was, a line a set.

    Args:
        sets: name -> bins as ``metrics.Calibration.bins`` gives them.
    """
    figure = _figure(5.2, 4.6)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle="--", label="as sure as right")
    for i, (name, bins) in enumerate(sets.items()):
        x = [row["confidence"] for row in bins]
        y = [row["accuracy"] for row in bins]
        size = [12 + 60 * row["count"] / max(1, sum(r["count"] for r in bins)) for row in bins]
        colour = COLOURS[i % len(COLOURS)]
        axes.plot(x, y, color=colour, linewidth=1.5, label=name)
        axes.scatter(x, y, s=size, color=colour)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("probability of the surest name", color=FAINT)
    axes.set_ylabel("share of right answers", color=FAINT)
    axes.set_title("Names of given masks", loc="left", fontsize=11)
    axes.legend(fontsize=8, frameon=False)
    _quiet(axes, "both")
    return _png(figure)


def models(title: str, rows: Mapping[str, Mapping[str, float | None]]) -> bytes:
    """Bars by set, one colour a model: set -> model -> figure in [0, 1]."""
    names = list(dict.fromkeys(model for row in rows.values() for model in row))
    figure = _figure(1.6 + 0.95 * max(3, len(rows)), 3.4)
    axes = figure.add_subplot()
    places = np.arange(len(rows))
    width = 0.8 / max(1, len(names))
    for i, model in enumerate(names):
        values = [row.get(model) or 0.0 for row in rows.values()]
        offset = (i - (len(names) - 1) / 2) * width
        axes.bar(places + offset, values, width, color=COLOURS[i % len(COLOURS)], label=model)
    axes.set_xticks(places, list(rows))
    axes.set_ylim(0, 1)
    axes.set_title(title, loc="left", fontsize=11)
    axes.legend(fontsize=8, frameon=False, ncols=min(3, max(1, len(names))))
    _quiet(axes, "y")
    return _png(figure)


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")


def _quiet(axes: Any, grid: str) -> None:
    axes.grid(axis=grid, color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK)


def _png(figure: "Figure") -> bytes:
    buffer = io.BytesIO()
    # Without the version of Matplotlib, so that the same figures give the same file.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
