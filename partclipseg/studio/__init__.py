"""The browser app: a canvas, a session a visitor, one shared model.

- ``layout``: the page and which handler answers what
- ``canvas/``: what runs in the browser, as plain files
- ``asks``: what a browser may send, checked
- ``events``: handlers, session and question in, message out
- ``tasks``: slow answers, their progress and their end
- ``words``: what is understood while words are typed
- ``kept``: the parts as the visitor takes them away
- ``engine``: the model and the shared caches
- ``wire``: what the browser is told
- ``api``: endpoints for programs
"""

import os

# Gradio reads this when it is imported: no visitor's visit is reported anywhere.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from partclipseg.studio.layout import build
from partclipseg.studio.settings import Settings
from partclipseg.studio.theme import launch_kwargs

__all__ = ["Settings", "build", "launch_kwargs"]
