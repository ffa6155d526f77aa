"""The canvas's files as Gradio wants them: one template, one script, one style sheet.

``canvas/*.mjs`` are ordinary ES modules, so node runs their tests as they are. A component of
Gradio takes a single function body, so the modules are joined here, each after those it imports,
without their import and export words. Names are unique across the modules; a test checks both.
"""

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "canvas"
ENTRY = "main.mjs"

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w.-]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class) )", re.MULTILINE)


def template(name: str = "studio.html") -> str:
    """The page's skeleton; it never changes, so Gradio never touches what the script builds."""
    return (FOLDER / name).read_text(encoding="utf-8")


@cache
def script(entry: str = ENTRY) -> str:
    """The body of the function that Gradio runs when the component is on the page.

    Args:
        entry: the module with ``mount``.
    """
    joined = "\n".join(_source(name) for name in modules(entry))
    return (
        f'"use strict";\n{joined}\nmount({{ element, trigger, props, server, upload, watch }});\n'
    )


@cache
def styles() -> str:
    """The style sheet, for the page's head."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.css")))


def modules(entry: str) -> list[str]:
    """The modules that an entry needs, each after its imports."""
    done: list[str] = []

    def visit(name: str) -> None:
        if name in done:
            return
        for needed in _IMPORT.findall((FOLDER / name).read_text(encoding="utf-8")):
            visit(needed)
        done.append(name)

    visit(entry)
    return done


def _source(name: str) -> str:
    text = (FOLDER / name).read_text(encoding="utf-8")
    return _EXPORT.sub("", _IMPORT.sub("", text))
