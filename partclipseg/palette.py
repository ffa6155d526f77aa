"""Label -> colour: always the same for a label, told apart with any colour vision."""

import hashlib
from collections import Counter
from collections.abc import Sequence

# Okabe & Ito (2008) without black, then Paul Tol's "muted" and "bright" hues that stay apart from
# them; dark and light variants alternate so that lightness helps where hue does not.
COLOURS = (
    "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#332288",
    "#88ccee", "#44aa99", "#999933", "#882255", "#aa4499", "#ee6677", "#228833", "#ccbb44",
)  # fmt: skip


def _start(label: str) -> int:
    digest = hashlib.sha256(label.strip().casefold().encode(errors="replace")).digest()
    return int.from_bytes(digest[:4], "big") % len(COLOURS)


def colour(label: str) -> str:
    """``#rrggbb`` of a label when nothing else is shown."""
    return COLOURS[_start(label)]


def assign(labels: Sequence[str]) -> dict[str, str]:
    """Colours for labels shown together: distinct as long as there are enough, then evenly shared.

    The first label that wants a colour keeps it, the next takes the next free one, so the same list
    always looks the same.
    """
    chosen: dict[str, str] = {}
    for label in dict.fromkeys(labels):
        start = _start(label)
        wanted = [COLOURS[(start + i) % len(COLOURS)] for i in range(len(COLOURS))]
        used = Counter(chosen.values())
        chosen[label] = min(wanted, key=lambda c: used[c])
    return chosen
