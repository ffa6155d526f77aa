"""Work that is done once for everybody, however many wait for it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait

from partclipseg.studio.tasks import Progress

PAUSE = 0.25  # seconds between two looks at how far it is


class Once:
    """Begun by the first who waits, in a thread of its own; it goes on when they leave.

    Args:
        work: is told a function to be called with the share that is done, 0 to 1.
    """

    def __init__(self, work: Callable[[Progress], None]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._future: Future[None] | None = None
        self._share = 0.0

    def wait(self, progress: Progress) -> None:
        """Come back when it is done; raises what the work raised, and the next begins it anew.

        Args:
            progress: told the share that is done, now and then; may raise, to wait no longer.
        """
        future = self._begun()
        while not wait([future], PAUSE).done:
            progress(self._share)
        future.result()

    def _begun(self) -> "Future[None]":
        with self._lock:
            if self._future is None or (self._future.done() and self._future.exception()):
                self._share = 0.0
                self._future = Future()
                arguments = (self._future,)
                threading.Thread(target=self._run, args=arguments, name="once", daemon=True).start()
            return self._future

    def _run(self, future: "Future[None]") -> None:
        try:
            self._work(self._tell)
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(None)

    def _tell(self, share: float) -> None:
        self._share = share
