"""A few seconds of fuzzing with every run of the tests, and proof that the fuzzer finds things."""

import random

import pytest

from tests.fuzz import mutation
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_is_found_in_five_seconds(name: str) -> None:
    target, seeds = TARGETS[name]
    assert mutation.fuzz(target, seeds(), seconds=5, seed=1) >= len(seeds())


@pytest.mark.parametrize("name", TARGETS)
def test_every_seed_stands(name: str) -> None:
    target, seeds = TARGETS[name]
    for seed in seeds():
        target(seed)


def test_a_planted_bug_is_found_and_its_input_kept() -> None:
    def planted(data: bytes) -> None:
        if b"\xff" in data[4:]:
            raise ZeroDivisionError("planted")

    with pytest.raises(mutation.Found, match="ZeroDivisionError: planted") as found:
        mutation.fuzz(planted, [b"car: wheel, door"], seconds=60)
    assert b"\xff" in found.value.data[4:]


def test_the_same_seed_gives_the_same_inputs() -> None:
    def some(seed: int) -> list[bytes]:
        chance = random.Random(seed)
        return [mutation.mutated(chance, [b"a" * 40, b"b" * 9, b""]) for _ in range(50)]

    assert some(3) == some(3) != some(4)
    assert len(set(some(3))) > 30
