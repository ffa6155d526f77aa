"""While words are typed: what is understood of them, in which colours, and what could come next.

The prompt language (``partclipseg.prompts``) and the colours (``partclipseg.palette``) are asked
here and nowhere else, so what is shown beside the words is what the answer will look like.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from partclipseg import palette, prompts, vocabulary
from partclipseg.errors import InputError
from partclipseg.results import Segmentation
from partclipseg.studio.asks import TEXT_LIMIT

SUGGESTIONS = 8
# The separators of the prompt language, Latin and others.
_LAST_NAME = re.compile(r"[^,;:\n，、،；؛：]*\Z")
_OWNER = re.compile(r"(?:^|[,;\n，、،；؛])([^,;:\n，、،；؛：]+)[:：][^;:\n；؛：]*\Z")


def read_words(payload: Any) -> dict[str, Any]:
    """{text, caret} from the browser -> {chips, notes, suggestions}; never raises.

    Args:
        payload: ``caret`` is the number of characters before the cursor.
    """
    fields = payload if isinstance(payload, Mapping) else {}
    text, caret = fields.get("text"), fields.get("caret")
    if not isinstance(text, str) or len(text) > TEXT_LIMIT:
        return {"chips": [], "notes": [], "suggestions": []}
    before = text[:caret] if type(caret) is int and caret >= 0 else ""
    return {**preview(text), "suggestions": suggest(before, SUGGESTIONS)}


def preview(text: str) -> dict[str, Any]:
    """What is understood: a chip for each name, and what had to be dropped or cut."""
    try:
        parsed = prompts.parse(text)
    except InputError:  # said once it is asked, not while it is typed
        return {"chips": [], "notes": []}
    shown = _colours(parsed)
    chips = [
        {
            "object": query.object,
            "part": query.part,
            "negative": query.sign < 0,
            "colour": shown.get(query.label),
        }
        for query in parsed.queries
    ]
    return {"chips": chips, "notes": list(parsed.notes)}


def recoloured(segmentation: Segmentation, text: str) -> Segmentation:
    """The result in the colours of the words: they hold whether or not all of them are found."""
    try:
        shown = _colours(prompts.parse(text)) if text else {}
    except InputError:
        shown = {}
    parts = (replace(p, colour=shown.get(p.label, p.colour)) for p in segmentation.parts)
    return replace(segmentation, parts=tuple(parts)) if shown else segmentation


def suggest(text: str, limit: int) -> list[str]:
    """Names that the last one, not yet finished, may become; parts of its object come first.

    Args:
        text: everything before the cursor, e.g. ``"car: wheel, do"``.
    """
    unfinished = _LAST_NAME.search(text)
    begun = unfinished[0].strip().lstrip('-−"').lstrip() if unfinished else ""
    owner = _OWNER.search(text)
    of = owner[1].strip(' "') if owner else None
    known = vocabulary.load()
    if not begun:
        return list(known.parts_of(of)[:limit]) if of else []
    found = known.search(begun, limit + 1, of=of)
    return [name for name in found if name.casefold() != begun.casefold()][:limit]


def _colours(parsed: prompts.Parsed) -> dict[str, str]:
    return palette.assign(prompts.names_of(parsed.queries))
