"""What is on screen as code: Python, gradio_client, curl and command line that find it again.

Names and words are a visitor's own and may hold anything; each is written as a literal of the
language in which it stands.
"""

import json
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from partclipseg.errors import InputError
from partclipseg.studio.asks import Ask

DEFAULT_THRESHOLD = 0.5  # of words; the app asks with no other
ADDRESS = "http://127.0.0.1:7860"
_ADDRESS = re.compile(r"https?://[\w.:\[\]/~-]+")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what is found.

    Attributes:
        file: the photo's file name, as it is called at the visitor's.
        asks: the questions whose answers are on screen, in order.
        model: as for ``partclipseg.load``.
        granularity: of clicks and boxes: "whole", "part", "subpart", or None for all of them.
        sure: in [0, 1]; parts found by words that are less probable are not shown.
        address: of the app.
    """

    file: str
    asks: tuple[Ask, ...]
    model: str = "lite"
    granularity: str | None = None
    sure: float = 0.0
    address: str = ADDRESS

    def __post_init__(self) -> None:
        if not self.asks:
            raise InputError("There is nothing to copy yet: find a part first.")
        # Half characters and NUL can stand in no file name and no command.
        name = self.file.encode("utf-8", "replace").decode().replace("\0", "_")
        object.__setattr__(self, "file", name or "photo.jpg")
        if not _ADDRESS.fullmatch(self.address):
            object.__setattr__(self, "address", ADDRESS)
        object.__setattr__(self, "address", self.address.rstrip("/"))

    @property
    def filtered(self) -> bool:
        """Whether some of what was found may be hidden."""
        return self.sure > 0 and any(ask.kind != "prompts" for ask in self.asks)


def snippet(language: str, recipe: Recipe) -> str:
    """The recipe in one of ``LANGUAGES``.

    Raises:
        InputError: a language that is none of them.
    """
    if language not in _WRITERS:
        raise InputError(f"There is no {language!r} to copy as; use one of {', '.join(LANGUAGES)}.")
    return _WRITERS[language](recipe)


def python(recipe: Recipe) -> str:
    """For the machine of the model."""
    lines = ["from partclipseg import PartPredictor, load", ""]
    if any(ask.mask for ask in recipe.asks):
        lines = [
            "import numpy as np",
            "from PIL import Image",
            "from pycocotools import mask as coco",
            *lines,
        ]
    lines += [
        f"predictor = PartPredictor(load({_literal(recipe.model)}))",
        f"photo = predictor.encode({_literal(recipe.file)})",
        "parts = []",
    ]
    for ask in recipe.asks:
        if ask.mask:
            lines += [
                f"painted = Image.fromarray(coco.decode({_literal(_run_lengths(ask))}))",
                "size = photo.photo.width, photo.photo.height",
                "mask = np.asarray(painted.resize(size, Image.Resampling.NEAREST)) > 0",
            ]
        found = _python_call(recipe, ask) + ".parts"
        lines.append(f"parts += {_filter(recipe, ask, found, 'part.probability')}")
    show = "    print(part.label, part.similarity, part.bbox)"
    return "\n".join([*lines, "for part in parts:", show, ""])


def _python_call(recipe: Recipe, ask: Ask) -> str:
    if ask.kind == "text":
        return f"predictor.segment({_literal(ask.text)}, photo=photo)"
    if ask.kind == "everything":
        return f"predictor.everything({_literal(ask.text or None)}, photo=photo)"
    arguments = {
        "points": [point[:2] for point in ask.points],
        "point_labels": [point[2] for point in ask.points],
        "boxes": list(ask.boxes),
        "text": ask.text,
        "granularity": recipe.granularity,
    }
    given = [f"{key}={_literal(value)}" for key, value in arguments.items() if value]
    given += ["mask=mask"] if ask.mask else []
    return f"predictor.predict({', '.join([*given, 'photo=photo'])})"


def client(recipe: Recipe) -> str:
    """For any machine that reaches the app."""
    lines = [
        "from gradio_client import Client, handle_file",
        "",
        f"client = Client({_literal(recipe.address)}, verbose=False)",
        f"photo = handle_file({_literal(recipe.file)})",
        "parts = []",
    ]
    for ask in recipe.asks:
        endpoint, arguments = _endpoint(recipe, ask)
        said = {k: v for k, v in arguments.items() if v and v != DEFAULT_THRESHOLD}
        given = ["photo=photo", *(f"{key}={_literal(value)}" for key, value in said.items())]
        call = f'client.predict({", ".join(given)}, api_name="/{endpoint}")["parts"]'
        kept = _filter(recipe, ask, call, 'part["probability"]')
        lines.append(f"parts += {kept}")
    show = '    print(part["label"], part["similarity"], part["bbox"])'
    return "\n".join([*lines, "for part in parts:", show, ""])


def curl(recipe: Recipe) -> str:
    """For a shell on any machine that reaches the app; prints one JSON a question."""
    quoted = recipe.file.replace("\\", "\\\\").replace('"', '\\"')
    upload = shlex.quote(f'files=@"{quoted}"')
    name = json.dumps({"orig_name": recipe.file, "meta": {"_type": "gradio.FileData"}})[1:]
    lines = [
        f"server={shlex.quote(recipe.address)}",
        f"path=$(curl -sf -F {upload} \"$server/gradio_api/upload\" | sed 's/^\\[//; s/\\]$//')",
        f"photo='{{\"path\": '\"$path\"', '{shlex.quote(name)}",
        "ask() {",
        "  call=$(curl -sf \"$server/gradio_api/call/$1\" -H 'Content-Type: application/json' \\",
        "    -d '{\"data\": ['\"$photo, $2\"']}' | sed 's/.*: *\"//; s/\".*//')",
        "  curl -sfN \"$server/gradio_api/call/$1/$call\" | sed -n 's/^data: //p'",
        "}",
        *_hidden_note(recipe),
    ]
    for ask in recipe.asks:
        endpoint, arguments = _endpoint(recipe, ask)
        data = ", ".join(json.dumps(value) for value in arguments.values())
        lines.append(f"ask {endpoint} {shlex.quote(data)}")
    return "\n".join([*lines, ""])


def cli(recipe: Recipe) -> str:
    """For a shell on the machine of the model; writes overlay, masks and JSON."""
    lines = _hidden_note(recipe)
    file = f"./{recipe.file}" if recipe.file.startswith("-") else recipe.file
    for number, ask in enumerate(recipe.asks, 1):
        words = ["python", "-m", "partclipseg", "segment", file]
        if ask.kind == "everything":
            words.append("--everything")
        # With "=", a value may start with "-".
        words += [f"--text={ask.text}"] if ask.text else []
        words += [
            f"--point={_plain(x)},{_plain(y)}{'' if label else ',-'}" for x, y, label in ask.points
        ]
        words += [f"--box={','.join(map(_plain, box))}" for box in ask.boxes]
        if ask.mask:
            words.append("--mask=painted.png")
            lines += _save_mask(file, ask)
        if ask.kind == "prompts" and recipe.granularity:
            words.append(f"--granularity={recipe.granularity}")
        words += [] if recipe.model == "lite" else [f"--model={recipe.model}"]
        words.append("--out=results" if len(recipe.asks) == 1 else f"--out=results_{number}")
        lines.append(shlex.join(words))
    return "\n".join([*lines, ""])


_WRITERS: dict[str, Callable[[Recipe], str]] = {
    "python": python,
    "client": client,
    "curl": curl,
    "cli": cli,
}
LANGUAGES = tuple(_WRITERS)


def _endpoint(recipe: Recipe, ask: Ask) -> tuple[str, dict[str, Any]]:
    """The endpoint and its arguments after the photo, all of them and in their order."""
    if ask.kind == "text":
        return "segment_text", {"text": ask.text, "threshold": DEFAULT_THRESHOLD}
    if ask.kind == "everything":
        return "everything", {"text": ask.text}
    return "segment_prompts", {
        "points": _numbers(ask.points),
        "boxes": _numbers(ask.boxes),
        "text": ask.text,
        "granularity": recipe.granularity,
        "mask": _run_lengths(ask) if ask.mask else None,
    }


def _filter(recipe: Recipe, ask: Ask, parts: str, probability: str) -> str:
    if recipe.sure <= 0 or ask.kind == "prompts":
        return parts
    return f"[part for part in {parts} if ({probability} or 1) >= {_plain(recipe.sure)}]"


def _hidden_note(recipe: Recipe) -> list[str]:
    if not recipe.filtered:
        return []
    return [f"# The app hides parts with a probability under {_plain(recipe.sure)}."]


def _save_mask(file: str, ask: Ask) -> list[str]:
    """Lines of a shell that bring the painted mask to the photo's size, as painted.png."""
    code = (
        "from PIL import Image; from pycocotools import mask; from partclipseg import images; "
        f"photo = images.read({_literal(file)}); "
        f"Image.fromarray(mask.decode({_literal(_run_lengths(ask))}) * 255)"
        ".resize((photo.width, photo.height), Image.Resampling.NEAREST).save('painted.png')"
    )
    return [shlex.join(["python", "-c", code])]


def _run_lengths(ask: Ask) -> dict[str, Any]:
    assert ask.mask is not None  # noqa: S101 - only asked of asks with a mask
    return {"size": [ask.mask.height, ask.mask.width], "counts": ask.mask.counts}


def _literal(value: Any) -> str:
    """Python source of a value; what cannot be seen is escaped, and so are directions of script."""
    if isinstance(value, str):
        return ascii(value) if not value.isprintable() else repr(value)
    if isinstance(value, float):
        return _plain(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_literal(k)}: {_literal(v)}" for k, v in value.items()) + "}"
    return repr(value)


def _numbers(rows: Sequence[Sequence[float]]) -> list[list[float]]:
    return [[int(v) if float(v).is_integer() else float(v) for v in row] for row in rows]


def _plain(value: float) -> str:
    """A number that is read back as the same, whole ones without a point."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))
