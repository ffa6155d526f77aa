"""Slow answers: how far they are, and how a visitor stops them."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
Progress = Callable[[float], None]
TOKENS_KEPT = 1000


class Stopped(Exception):
    """The visitor does not want the answer any more."""


class Stops:
    """Which questions are to be stopped, by a token that the browser made up for each.

    A question may be stopped before it has begun, while it still waits for its turn.
    """

    def __init__(self) -> None:
        self._events: OrderedDict[str, threading.Event] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, token: str) -> threading.Event:
        """Set once the question is to stop."""
        with self._lock:
            event = self._events.setdefault(token, threading.Event())
            while len(self._events) > TOKENS_KEPT:
                self._events.popitem(last=False)
            return event


class Task(Generic[T]):
    """A function at work in a thread of its own; iterating gives its progress until it is done.

    Args:
        work: is told a function to be called with the share that is done, 0 to 1, as often as it
            can be stopped.
        stop: once it is set, the next such call raises ``Stopped``.
    """

    def __init__(self, work: Callable[[Progress], T], stop: threading.Event) -> None:
        self._work = work
        self._stop = stop
        self._told: SimpleQueue[float | None] = SimpleQueue()
        self._result: list[T] = []
        self._error: BaseException | None = None

    def __iter__(self) -> Iterator[float]:
        thread = threading.Thread(target=self._run, name="slow-answer", daemon=True)
        thread.start()
        try:
            while (share := self._told.get()) is not None:
                yield share
        finally:  # whoever listened has gone: nobody wants the answer
            if thread.is_alive() and not self._result:
                self._stop.set()

    def result(self) -> T:
        """What the function gave, once the iteration has ended; raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._result[0]

    def _run(self) -> None:
        try:
            self._tell(0.0)
            self._result.append(self._work(self._tell))
        except BaseException as error:
            self._error = error
        finally:
            self._told.put(None)

    def _tell(self, share: float) -> None:
        if self._stop.is_set():
            raise Stopped
        self._told.put(share)
