"""What is said and needed to host the app: settings, container, Space."""

import re
from dataclasses import fields
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest
from scripted_studio import ScriptedPredictor

from partclipseg import images
from partclipseg.errors import InputError
from partclipseg.studio.engine import Engine
from partclipseg.studio.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def instructions() -> list[tuple[str, str]]:
    joined = re.sub(r"\\\n", " ", DOCKERFILE)
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def test_every_setting_is_listed_with_its_default() -> None:
    listed = dict(re.findall(rf"^\| `({PREFIX}\w+)` \| `([^`]+)` \|", DEPLOY, re.MULTILINE))
    assert listed == {
        PREFIX + field.name.upper(): str(getattr(Settings(), field.name))
        for field in fields(Settings)
    }
    assert set(re.findall(rf"{PREFIX}\w+", DEPLOY)) <= set(listed)
    for field in fields(Settings):
        assert f"{field.name}:" in (Settings.__doc__ or "")


def test_the_container_runs_as_nobody_in_particular() -> None:
    words = [word for word, _ in instructions()]
    assert words[0] == "FROM" and instructions()[0][1] == "python:3.11-slim"
    (user,) = [rest for word, rest in instructions() if word == "USER"]
    assert user not in ("root", "0")
    assert words.index("USER") > max(i for i, word in enumerate(words) if word in ("RUN", "COPY"))
    assert ("EXPOSE", "7860") in instructions()
    assert {"HEALTHCHECK", "VOLUME", "CMD"} <= set(words)


def test_the_container_writes_to_its_cache_alone() -> None:
    settings = dict(
        re.findall(r"(\w+)=(\S+)", " ".join(r for w, r in instructions() if w == "ENV"))
    )
    for name in ("HOME", "GRADIO_TEMP_DIR", "HF_HOME", "MPLCONFIGDIR", "XDG_CACHE_HOME"):
        assert Path(settings[name]).is_relative_to("/cache")
    assert settings["GRADIO_SERVER_PORT"] == "7860"


def test_the_container_has_what_the_app_needs() -> None:
    """What is copied is there and sent to the builder; what the app opens is copied."""
    copied = [source for word, rest in instructions() if word == "COPY"
              for source in rest.split()[:-1]]  # fmt: skip
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sent = [line[1:] for line in ignored if line.startswith("!")]
    assert ignored[1] == "*" and set(sent) == set(copied)
    for source in copied:
        assert (ROOT / source).exists()
    assert {"app.py", "partclipseg", "checkpoints", "examples", "requirements.txt"} <= set(copied)
    assert not any(fnmatch(".git/config", pattern) for pattern in sent)


def test_the_space_has_the_version_that_is_required() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    front = dict(re.findall(r"^(\w+): (.*)$", readme.split("---")[1], re.MULTILINE))
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    required = re.search(r"^gradio>=([\d.]+),<(\d+)", requirements, re.MULTILINE)
    assert required
    version = [int(n) for n in front["sdk_version"].split(".")]
    assert [int(n) for n in required[1].split(".")] <= version < [int(required[2])]
    assert (ROOT / front["app_file"]).is_file() and front["sdk"] == "gradio"
    assert front["python_version"].strip('"') in DOCKERFILE


def test_a_photo_that_is_too_large_for_this_app_is_refused_before_it_is_encoded() -> None:
    predictor = ScriptedPredictor()
    photo = images.read(np.zeros((1001, 1000, 3), np.uint8))
    with pytest.raises(InputError, match="1000 x 1001 pixels; this app opens at most 1 megapixels"):
        Engine(lambda: predictor, 2**20, max_megapixels=1).encode(photo)
    assert predictor.encoded == []
