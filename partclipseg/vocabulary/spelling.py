"""Ways of writing one name: case, hyphens, plurals, British and American spelling."""

import re
import unicodedata
from collections.abc import Iterator

_ARTICLE = re.compile(r"^(?:a|an|the|some|pair of|a pair of) (?=\S)")
_ACCENTS = re.compile("[\u0300-\u036f]")
_GAPS = re.compile(r"[\s_\-‐‑–/]+")

# WordNet's own rules of detachment for nouns, morphy(7WN).
_PLURALS = (
    ("ses", "s"), ("ves", "f"), ("ves", "fe"), ("xes", "x"), ("zes", "z"), ("ches", "ch"),
    ("shes", "sh"), ("men", "man"), ("ies", "y"), ("oes", "o"), ("s", ""),
)  # fmt: skip
_IRREGULAR = {
    "antennae": "antenna", "calves": "calf", "cacti": "cactus", "children": "child", "dice": "die",
    "feet": "foot", "fungi": "fungus", "geese": "goose", "hooves": "hoof", "irides": "iris",
    "knives": "knife", "leaves": "leaf", "lice": "louse", "loaves": "loaf", "mice": "mouse",
    "nuclei": "nucleus", "octopi": "octopus", "oxen": "ox", "people": "person", "radii": "radius",
    "scarves": "scarf", "shelves": "shelf", "teeth": "tooth", "thieves": "thief",
    "wolves": "wolf",
}  # fmt: skip

# (British, American), endings and roots; both directions are tried.
_WORDS = {
    "aluminium": "aluminum", "cosy": "cozy", "draught": "draft", "grey": "gray", "kerb": "curb",
    "jewellery": "jewelry", "manoeuvre": "maneuver", "fibre": "fiber",
    "mould": "mold", "moustache": "mustache", "plough": "plow",
    "pyjamas": "pajamas", "sceptre": "scepter", "storey": "story", "tyre": "tire",
    "woollen": "woolen", "yoghurt": "yogurt", "whisky": "whiskey", "disc": "disk",
}  # fmt: skip
_ROOTS = (
    ("our", "or"), ("aero", "air"), ("ae", "e"), ("oe", "e"), ("elle", "ele"),
    ("elli", "eli"), ("ise", "ize"), ("yse", "yze"), ("phur", "fur"),
)  # fmt: skip
_ENDINGS = (("tre", "ter"), ("bre", "ber"), ("ogue", "og"), ("ence", "ense"), ("icence", "icense"))


def fold(name: str) -> str:
    """What ways of writing a name have in common: small letters, no hyphens, no accents."""
    text = _ACCENTS.sub("", unicodedata.normalize("NFKD", name)).casefold().replace("’", "'")
    return _GAPS.sub(" ", text).strip(" .,;:!?\"'")


def variants(key: str) -> Iterator[str]:
    """Folded spellings of the same thing, nearest first: no article, singular, other shore."""
    bare = _ARTICLE.sub("", key)
    forms = [key] if bare == key else [key, bare]
    forms += [one for form in list(forms) for one in _singulars(form)]
    yield from forms
    for form in forms:
        yield from _other_shore(form)


def _singulars(key: str) -> list[str]:
    """The last word in the singular; all that the rules allow."""
    head, _, last = key.rpartition(" ")
    found = [_IRREGULAR[last]] if last in _IRREGULAR else []
    if len(last) > 3 and not last.endswith("ss"):
        found += [last[: -len(a)] + b for a, b in _PLURALS if last.endswith(a)]
    return [f"{head} {word}".strip() for word in found]


def _other_shore(key: str) -> Iterator[str]:
    """One word at a time written as on the other side of the Atlantic."""
    words = key.split(" ")
    for index, word in enumerate(words):
        for other in _respelt(word):
            yield " ".join([*words[:index], other, *words[index + 1 :]])


def _respelt(word: str) -> Iterator[str]:
    for british, american in _WORDS.items():
        if word in (british, american):
            yield american if word == british else british
    for pair in _ROOTS:
        for old, new in (pair, pair[::-1]):
            if old in word and len(word) > 5:
                yield word.replace(old, new, 1)
    for pair in _ENDINGS:
        for old, new in (pair, pair[::-1]):
            if word.endswith(old) and len(word) > len(old) + 1:
                yield word[: -len(old)] + new
