"""Types that the browser tests and their fixtures share."""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page
from scripted_studio import ScriptedPredictor

OpenPage = Callable[..., Page]


@dataclass(frozen=True)
class Served:
    url: str
    predictor: ScriptedPredictor
