"""What is kept for one visitor: which photo, no pixels and no model state."""

from dataclasses import dataclass
from pathlib import Path

from partclipseg import images
from partclipseg.errors import InputError
from partclipseg.studio.engine import Encoded, Engine


@dataclass(frozen=True)
class PhotoRef:
    """A photo by name: enough to find its encoding, or to make it again.

    Attributes:
        digest: of the decoded pixels, the key of the shared caches.
        path: the uploaded or example file.
        name: stem for file names, as the visitor's file was called.
        file: what the visitor's file is called, with its ending.
    """

    digest: str
    path: Path
    name: str
    file: str


@dataclass(frozen=True)
class Session:
    """A visitor's state; replaced, never changed."""

    photo: PhotoRef | None = None


class PhotoGone(InputError):
    """The visitor's photo is not known here; the browser sends it again by itself."""


def photo_ref(session: Session, digest: object) -> PhotoRef:
    """The visitor's current photo.

    Raises:
        PhotoGone: it is another one.
    """
    if session.photo is None or session.photo.digest != digest:
        raise PhotoGone("The server does not have this photo any more; please open it again.")
    return session.photo


def encoded_photo(engine: Engine, session: Session, digest: object) -> Encoded:
    """The visitor's current photo, encoded again from its file if the cache had to let it go.

    Raises:
        PhotoGone: the session has no such photo, or its file is gone.
    """
    ref = photo_ref(session, digest)
    known = engine.known(ref.digest)
    if known is not None:
        return known
    if not ref.path.is_file():
        raise PhotoGone("The server does not have this photo any more; please open it again.")
    return engine.encode(images.read(ref.path, name=ref.name))[0]
