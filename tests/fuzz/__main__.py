"""``python -m tests.fuzz``: with atheris where it is installed, else by mutation."""

import argparse
import faulthandler
import hashlib
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz import mutation
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """0 where nothing was found, 1 where something was; its input is kept and named."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=60, metavar="N", help="for each target (default: 60)"
    )
    parser.add_argument("--target", choices=TARGETS, help="default: all, one after the other")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations (default: 0)")
    parser.add_argument(
        "--engine",
        choices=("atheris", "mutation"),
        default="atheris" if find_spec("atheris") else "mutation",
    )
    parser.add_argument("--input", type=Path, metavar="FILE", help="try this one input again")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    faulthandler.enable()
    if args.input is not None:
        for name in [args.target] if args.target else TARGETS:
            TARGETS[name][0](args.input.read_bytes())
        return 0
    if args.here:
        _atheris(args.target, int(args.seconds), args.seed)
    run = _by_atheris if args.engine == "atheris" else _by_mutation
    return max(run(name, args) for name in ([args.target] if args.target else TARGETS))


def _by_mutation(name: str, args: argparse.Namespace) -> int:
    target, seeds = TARGETS[name]
    try:
        tried = mutation.fuzz(target, seeds(), args.seconds, args.seed)
    except mutation.Found as found:
        kept = Path(tempfile.gettempdir()) / f"{name}-{hashlib.sha256(found.data).hexdigest()[:12]}"
        kept.write_bytes(found.data)
        print(f"{name}: {found}\nagain: python -m tests.fuzz --target {name} --input {kept}")
        return 1
    print(f"{name}: {tried} inputs by mutation, nothing found")
    return 0


def _by_atheris(name: str, args: argparse.Namespace) -> int:
    """In a process of its own: atheris ends the one that it runs in."""
    own = [
        "--target",
        name,
        "--seconds",
        str(int(args.seconds)),
        "--seed",
        str(args.seed),
        "--here",
    ]
    done = subprocess.run([sys.executable, "-m", "tests.fuzz", *own], cwd=ROOT, check=False)
    print(f"{name}: {'nothing found' if done.returncode == 0 else 'see above'} by atheris")
    return min(1, abs(done.returncode))


def _atheris(name: str, seconds: int, seed: int) -> None:
    import atheris  # type: ignore[import-not-found]

    target, seeds = TARGETS[name]
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(seeds()):
            (Path(folder) / str(number)).write_bytes(data)
        for function in _ours():
            atheris.instrument_func(function)
        options = [f"-max_total_time={max(1, seconds)}", f"-seed={seed + 1}", "-max_len=65536"]
        options.append(f"-artifact_prefix={tempfile.gettempdir()}/{name}-")
        atheris.Setup([sys.argv[0], folder, *options], target)
        atheris.Fuzz()


def _ours() -> list[object]:
    from partclipseg import images, prompts

    return [
        value
        for module in (images, prompts)
        for value in vars(module).values()
        if callable(value) and getattr(value, "__module__", "") == module.__name__
        and hasattr(value, "__code__")
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
