"""The browser app: a canvas, a session a visitor, one shared model.

- ``layout``: the page and which handler answers what
- ``canvas/``: what runs in the browser, as plain files
- ``asks``: what a browser may send, checked
- ``events``: handlers, session and question in, message out
- ``tasks``: slow answers, their progress and their end; ``once``: those that all wait for
- ``words``: what is understood while words are typed
- ``inspection``: the drawer under the photo: heat maps, plots, names, code, the model
- ``about``: what the model says of itself
- ``batch``, ``batch_page``: many photos, one question, on a page of its own
- ``kept``: the parts as the visitor takes them away
- ``engine``: the model and the shared caches
- ``wire``: what the browser is told
- ``api``: endpoints for programs
- ``guard``, ``disk``: limits of what is sent, shown elsewhere and kept
"""

import os
import tempfile

# Gradio reads this when it is imported: no visitor's visit is reported anywhere.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# A folder of our own, of which ``disk`` may delete what is old.
os.environ.setdefault(
    "GRADIO_TEMP_DIR",
    os.path.join(tempfile.gettempdir(), f"partclipseg-{getattr(os, 'getuid', lambda: 0)()}"),
)

from partclipseg.studio.layout import build
from partclipseg.studio.settings import Settings
from partclipseg.studio.theme import launch_kwargs

__all__ = ["Settings", "build", "launch_kwargs"]
