"""Around every request: what browsers are told about the page, and how much may be sent at once."""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from partclipseg.errors import InputError

_SOURCE = re.compile(r"\*|https?://[\w.*:-]+")

HEADERS = {
    "X-Content-Type-Options": "nosniff",  # an uploaded file is never taken for a page
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}


class Guard:
    """ASGI middleware; answers are passed on as they come, so streams stay streams.

    Args:
        app: what is guarded.
        frames: pages that may show the app in a frame, beside its own: addresses with spaces
            between, ``*`` for all, ``none``.
        body_bytes: the largest request that is read.
        upload_bytes: the same for uploads, which go to disk: a browser sends many files at once.

    Raises:
        InputError: ``frames`` is not of that form.
    """

    def __init__(self, app: ASGIApp, frames: str, body_bytes: int, upload_bytes: int = 0) -> None:
        self.app = app
        self.body_bytes = body_bytes
        self.upload_bytes = max(body_bytes, upload_bytes)
        self.policy = f"frame-ancestors {ancestors(frames)}; object-src 'none'"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, more, read = False, True, 0
        uploads = scope["path"].endswith("/gradio_api/upload")
        most = self.upload_bytes if uploads else self.body_bytes

        async def told(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                # Beside one of the app's own, not instead: browsers keep to all that they get.
                headers.append("Content-Security-Policy", self.policy)
            await send(message)

        async def counted() -> Message:
            nonlocal more, read
            message = await receive()
            more = message.get("more_body", False)
            read += len(message.get("body", b""))
            if read > most:
                raise TooLarge
            return message

        try:
            if _length(scope) > most:
                raise TooLarge
            await self.app(scope, counted, told)
        except TooLarge:
            while more:  # else the sender may never read the answer
                more = (await receive()).get("more_body", False)
            if not begun:
                limit = most // 2**20
                answer = PlainTextResponse(f"At most {limit} MB can be sent at once.", 413)
                await answer(scope, receive, told)


class TooLarge(Exception):
    """A request is larger than is read."""


def ancestors(frames: str) -> str:
    """The sources of a ``frame-ancestors`` policy.

    Raises:
        InputError: an entry is no address.
    """
    sources = [] if frames.strip() == "none" else frames.split()
    for source in sources:
        if not _SOURCE.fullmatch(source):
            raise InputError(
                f"PARTCLIPSEG_FRAMES has {source!r:.60}; it takes addresses such as "
                "https://example.org with spaces between, * or none."
            )
    return " ".join(["'self'", *sources])


def _length(scope: Scope) -> int:
    given = Headers(scope=scope).get("content-length", "")
    return int(given) if given.isdecimal() and len(given) < 20 else 0
