"""A mapping that forgets what was used longest ago once it grows too large."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """Least-recently-used cache bounded by the sum of its values' sizes; safe between threads.

    Args:
        limit: the most that all values together may weigh.
        weigh: a value's weight, asked once, when it is put in.
    """

    def __init__(self, limit: int, weigh: Callable[[V], int]) -> None:
        self.limit = limit
        self._weigh = weigh
        self._held: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    @property
    def weight(self) -> int:
        """What the values weigh together."""
        return self._weight

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: K) -> V | None:
        """The value, now the most recently used, or None."""
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key][0]

    def put(self, key: K, value: V) -> None:
        """Keep a value; one that is heavier than the limit is kept alone."""
        weight = self._weigh(value)
        with self._lock:
            if key in self._held:
                self._weight -= self._held.pop(key)[1]
            self._held[key] = (value, weight)
            self._weight += weight
            while self._weight > self.limit and len(self._held) > 1:
                _, (_, lighter) = self._held.popitem(last=False)
                self._weight -= lighter
