"""A fuzzer without needs: seeds that are changed at random, the same way for the same seed."""

import random
import time
from collections.abc import Callable, Sequence

ODD_BYTES = (0, 1, 0x7F, 0x80, 0xFE, 0xFF, *b'\n",:;-')
ODD_NUMBERS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**31, 16, 17)
MOST_CHANGES = 6
LONGEST = 1 << 16


class Found(AssertionError):
    """An input that a target does not stand.

    Attributes:
        data: the input.
    """

    def __init__(self, data: bytes, error: BaseException) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.data = data


def fuzz(
    target: Callable[[bytes], None], seeds: Sequence[bytes], seconds: float, seed: int = 0
) -> int:
    """Try changed seeds until the time is over; returns how many.

    Raises:
        Found: the first input that raises anything.
    """
    chance = random.Random(seed)
    tried = 0
    until = time.monotonic() + seconds
    while tried < len(seeds) or time.monotonic() < until:
        data = seeds[tried] if tried < len(seeds) else mutated(chance, seeds)
        try:
            target(data)
        except Exception as error:
            raise Found(data, error) from error
        tried += 1
    return tried


def mutated(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """A seed with a few changes, each of a kind that has broken parsers."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(1, MOST_CHANGES)):
        at = chance.randint(0, len(data))
        size = chance.choice((1, 1, 2, 4, 8, 64))
        match chance.randrange(7):
            case 0 if data:
                data[at - 1] ^= 1 << chance.randrange(8)
            case 1 if data:
                data[at - 1] = chance.choice(ODD_BYTES)
            case 2:
                number = chance.choice(ODD_NUMBERS).to_bytes(4, chance.choice(("big", "little")))
                data[at : at + 4] = number
            case 3:
                del data[at : at + size]
            case 4:
                data[at:at] = data[max(0, at - size) : at] * chance.choice((1, 2, 50))
            case 5:
                data[at:at] = chance.randbytes(size)
            case _:
                other = chance.choice(seeds)
                start = chance.randint(0, len(other))
                data[at:] = other[start:]
    return bytes(data[:LONGEST])
