"""The command line: what it writes, says and returns."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

import partclipseg
from partclipseg import cli, datasets, prompts
from partclipseg.cli.segment import Outputs, output_stems, read_mask
from partclipseg.errors import InputError, ModelNotFoundError
from tests.scripted import HEIGHT, WIDTH, ScriptedPredictor, mask_of_box, write_set

ROOT = Path(__file__).parents[1]
CHECKPOINT = ROOT / "checkpoints" / "partclipseg-lite.safetensors"


class Recording(ScriptedPredictor):
    """Keeps what it is asked; takes every prompt for the car's wheel."""

    asked: list[tuple[str, dict[str, Any]]]

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.asked = model

    def segment(self, text: str, **kwargs: Any) -> Any:
        photo = kwargs.pop("photo")
        self.asked.append(("segment", {"text": text, **kwargs}))
        return super().segment(text, photo=photo)

    def predict(self, *args: Any, **kwargs: Any) -> Any:
        photo = kwargs.pop("photo")
        self.asked.append(("predict", kwargs))
        prompts.validate(photo.photo.width, photo.photo.height, **kwargs)
        return super().everything(photo=photo)

    def everything(self, vocabulary: Any = None, **kwargs: Any) -> Any:
        self.asked.append(("everything", {"vocabulary": vocabulary}))
        return super().everything(**kwargs)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Put the scripted predictor behind the command line; returns what it is asked."""
    calls: list[tuple[str, dict[str, Any]]] = []

    def load(name: str = "lite", device: str | None = None) -> Any:
        if name != "lite":
            raise ModelNotFoundError(f'There is no model "{name}"; use "lite".')
        return calls

    monkeypatch.setitem(partclipseg.__dict__, "load", load)
    monkeypatch.setitem(partclipseg.__dict__, "PartPredictor", Recording)
    return calls


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return save_photo(tmp_path / "car.jpg")


def save_photo(path: Path, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", size, "#345678").save(path)
    return path


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def usage_error(*argv: str) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(argv)
    assert caught.value.code == 2


def test_segment_writes_overlay_masks_and_json(tmp_path: Path, photo: Path, asked: Any) -> None:
    out = tmp_path / "new" / "out"
    assert cli.main(["segment", str(photo), "--text", "car: wheel", "--out", str(out)]) == 0
    assert asked == [("segment", {"text": "car: wheel"})]
    assert names_in(out) == {"car_overlay.png", "car_01_car_wheel.png", "car.json"}

    data = json.loads((out / "car.json").read_text())
    assert (data["image"], data["width"], data["height"]) == ("car", WIDTH, HEIGHT)
    (part,) = data["parts"]
    assert (part["label"], part["object"], part["part"]) == ("car: wheel", "car", "wheel")
    assert {"similarity", "probability", "predicted_iou", "bbox", "area"} <= set(part)
    rle = part["segmentation"]
    mask = coco_mask.decode({"size": rle["size"], "counts": rle["counts"].encode()}).astype(bool)
    assert mask.sum() == part["area"] and mask.shape == (HEIGHT, WIDTH)

    (png,) = out.glob("car_01_*.png")
    with Image.open(png) as file:
        assert file.size == (WIDTH, HEIGHT)
        assert (np.asarray(file.convert("L")) > 127).tolist() == mask.tolist()
    with Image.open(out / "car_overlay.png") as file:
        assert file.width > WIDTH or file.height > HEIGHT  # the legend


def test_segment_passes_every_prompt_on(tmp_path: Path, photo: Path, asked: Any) -> None:
    Image.fromarray(mask_of_box((5, 5, 20, 20)).astype(np.uint8)).save(tmp_path / "rough.png")
    arguments = [
        "--point",
        "10,12",
        "--point",
        "3.5, 4,-",
        "--box",
        "1,2,30,20",
        "--text",
        "car: hood",
    ]
    arguments += ["--mask", str(tmp_path / "rough.png"), "--granularity", "part"]
    assert cli.main(["segment", str(photo), *arguments, "--out", str(tmp_path / "out")]) == 0
    ((method, given),) = asked
    assert method == "predict"
    assert (given.pop("mask") == mask_of_box((5, 5, 20, 20))).all()
    assert given == {
        "points": [(10.0, 12.0), (3.5, 4.0)],
        "point_labels": [1, 0],
        "boxes": [(1.0, 2.0, 30.0, 20.0)],
        "text": "car: hood",
        "granularity": "part",
    }


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--everything"], ("everything", {"vocabulary": None})),
        (["--everything", "--text", "car: wheel"], ("everything", {"vocabulary": "car: wheel"})),
        (
            ["--text", "wheel", "--threshold", "0.2"],
            ("segment", {"text": "wheel", "threshold": 0.2}),
        ),
    ],
)
def test_segment_chooses_the_question(
    tmp_path: Path, photo: Path, asked: Any, arguments: list[str], expected: Any
) -> None:
    assert cli.main(["segment", str(photo), *arguments, "--out", str(tmp_path / "out")]) == 0
    assert asked == [expected]


def test_segment_names_the_photos_that_fail(
    tmp_path: Path, photo: Path, asked: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"not a photo")
    small = save_photo(tmp_path / "small.png", (20, 20))
    photos = [str(p) for p in (broken, tmp_path / "missing.jpg", small, photo)]
    out = tmp_path / "out"
    assert cli.main(["segment", *photos, "--point", "50,30", "--out", str(out)]) == 1
    err = capsys.readouterr().err
    for name in ("broken.jpg", "missing.jpg", "small.png"):
        (line,) = [line for line in err.splitlines() if name in line]
        assert "Traceback" not in line
    assert "3 of 4 photos" in err
    assert (out / "car.json").exists()
    assert not list(out.glob("broken*")) and not list(out.glob("small*"))


def test_segment_survives_a_bug_in_the_model(
    tmp_path: Path,
    photo: Path,
    asked: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(self: Any, text: str, **kwargs: Any) -> Any:
        raise RuntimeError("out of memory\nand more")

    monkeypatch.setattr(Recording, "segment", fail)
    assert cli.main(["segment", str(photo), "--text", "hood", "--out", str(tmp_path / "o")]) == 1
    assert f"{photo}: RuntimeError: out of memory\n" in capsys.readouterr().err


def test_segment_says_what_was_not_found(
    tmp_path: Path, photo: Path, asked: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["segment", str(photo), "--text", "dog: tail", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "nothing found" in out and "no car found" in out


def test_photos_of_one_name_are_kept_apart(tmp_path: Path, asked: Any) -> None:
    photos = [save_photo(tmp_path / folder / "car.jpg") for folder in ("a", "b")]
    photos += [save_photo(tmp_path / "c" / "car_2.png"), photos[0]]
    out = tmp_path / "out"
    argv = ["segment", *map(str, photos), "--text", "car: wheel", "--out", str(out)]
    assert cli.main(argv) == 0
    assert {path.stem for path in out.glob("*.json")} == {"car", "car_2", "car_3"}
    assert len(asked) == 3  # one was given twice
    assert len(names_in(out)) == 9


def test_output_stems() -> None:
    paths = [Path("a/x.jpg"), Path("b/X.png"), Path("c/x_2.jpg"), Path("d/x.gif"), Path("y.jpg")]
    assert output_stems(paths) == ["x", "X_3", "x_2", "x_4", "y"]


def test_inputs_are_never_written_over(tmp_path: Path, asked: Any) -> None:
    photo, other = save_photo(tmp_path / "car.png"), save_photo(tmp_path / "car_overlay.png")
    before = other.read_bytes()
    argv = ["segment", str(photo), str(other), "--text", "car: wheel", "--out", str(tmp_path)]
    assert cli.main(argv) == 0
    assert other.read_bytes() == before
    assert (tmp_path / "car_overlay_2.png").exists()


def test_outputs_take_no_name_twice(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path, [])
    paths = [outputs.write("a", ".txt", data) for data in (b"1", b"2")]
    assert [path.name for path in paths] == ["a.txt", "a_2.txt"]
    assert [path.read_bytes() for path in paths] == [b"1", b"2"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--text, --point, --box, --mask or --everything"),
        (["--text", " ,; "], ""),
        (["--everything", "--point", "1,2"], "--everything"),
        (["--text", "hood", "--granularity", "part"], "--granularity"),
        (["--point", "1,2", "--threshold", "0.3"], "--threshold"),
        (["--mask", "missing.png"], "missing.png"),
        (["--text", "hood", "--model", "large"], "large"),
    ],
)
def test_unusable_requests_are_exit_2(
    tmp_path: Path,
    photo: Path,
    asked: Any,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    assert cli.main(["segment", str(photo), *arguments, "--out", str(tmp_path / "out")]) == 2
    err = capsys.readouterr().err
    assert err.startswith("partclipseg: ") and words in err and len(err.splitlines()) == 1
    assert not asked


@pytest.mark.parametrize(
    "arguments",
    [
        ["--point", "1"],
        ["--point", "1,2,3"],
        ["--point", "1,x"],
        ["--point", "nan,1"],
        ["--box", "1,2,3"],
        ["--box", "1,2,3,inf"],
        ["--text", "hood", "--threshold", "2"],
        ["--point", "1,2", "--granularity", "tiny"],
    ],
)
def test_malformed_options_are_exit_2(
    photo: Path, tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    usage_error("segment", str(photo), *arguments, "--out", str(tmp_path / "out"))
    assert arguments[-1].split(",")[0] in capsys.readouterr().err


def test_missing_options_are_exit_2(photo: Path) -> None:
    usage_error()
    usage_error("segment", str(photo), "--text", "hood")
    usage_error("segment", "--text", "hood", "--out", "out")
    usage_error("evaluate", "--data", "cars", "--json", "a.json")
    usage_error("dance")


def test_an_unwritable_folder_is_exit_2(
    photo: Path, asked: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    below_a_file = photo / "out"
    assert cli.main(["segment", str(photo), "--text", "hood", "--out", str(below_a_file)]) == 2
    assert "Cannot write to the folder" in capsys.readouterr().err
    assert not asked


@pytest.mark.parametrize("bright", [1, 255, 65535])
def test_masks_of_any_depth(tmp_path: Path, bright: int) -> None:
    inside = mask_of_box((5, 5, 20, 20))
    values = inside.astype(np.uint16 if bright > 255 else np.uint8) * bright
    Image.fromarray(values).save(tmp_path / "mask.png")
    mask = read_mask(tmp_path / "mask.png")
    assert (mask == inside).all() and mask.dtype == np.float32


def test_a_black_mask_is_refused(tmp_path: Path) -> None:
    Image.new("L", (WIDTH, HEIGHT)).save(tmp_path / "mask.png")
    with pytest.raises(InputError, match="black"):
        read_mask(tmp_path / "mask.png")


@pytest.fixture
def cars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = write_set(tmp_path / "cars", [[("car", "hood", (10, 10, 20, 20), None)]] * 2)
    dataset = datasets.read(folder, "val")
    monkeypatch.setitem(partclipseg.__dict__, "load", lambda name, device: name)
    monkeypatch.setitem(
        partclipseg.__dict__, "PartPredictor", lambda model: ScriptedPredictor(dataset)
    )
    return folder


@pytest.mark.parametrize(
    ("protocol", "figures"),
    [
        ("oracle", {"miou": 1.0}),
        ("text", {"miou": 1.0}),
        ("click", {"iou_best": 1.0, "noc80": 20.0, "noc_targets": 1}),
        ("label", {"recall1": 1.0, "recall5": 1.0}),
    ],
)
def test_evaluate_writes_the_figures(
    tmp_path: Path,
    cars: Path,
    protocol: str,
    figures: dict[str, float],
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "new" / "figures.json"
    argv = ["evaluate", "--data", str(cars), "--protocol", protocol, "--json", str(file)]
    assert cli.main([*argv, "--noc-targets", "1"]) == 0
    data = json.loads(file.read_text())
    assert figures.items() <= data.items()
    assert (data["data"], data["split"], data["images"], data["targets"]) == ("cars", "val", 2, 2)
    assert "car: hood" in capsys.readouterr().out
    assert cli.main([*argv, "--limit", "1"]) == 0
    assert json.loads(file.read_text())["images"] == 1


def test_evaluate_explains_what_it_cannot_use(
    tmp_path: Path, cars: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "figures.json")
    argv = ["evaluate", "--protocol", "oracle", "--data", str(cars)]
    assert cli.main([*argv, "--split", "test", "--json", file]) == 2
    assert "test.json" in capsys.readouterr().err
    assert cli.main([*argv, "--json", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err
    usage_error(*argv, "--json", file, "--limit", "0")
    usage_error(*argv, "--json", file, "--noc-targets", "-1")
    assert not Path(file).exists()


def test_train_hands_its_options_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from partclipseg import training

    calls: list[Any] = []
    monkeypatch.setattr(training, "run", lambda *args, **kwargs: calls.append((args, kwargs)))
    argv = ["train", "--config", "lite.json", "--data", "data", "--out", str(tmp_path / "run")]
    assert cli.main(argv) == 0
    assert cli.main([*argv, "--no-resume", "--minutes", "30", "--backbone", "ViT-B-16/a"]) == 0
    paths = (Path("lite.json"), Path("data"), tmp_path / "run")
    assert calls == [
        (paths, {"resume": True, "steps": None, "minutes": None, "backbone": None, "init": None}),
        (
            paths,
            {"resume": False, "steps": None, "minutes": 30, "backbone": "ViT-B-16/a", "init": None},
        ),
    ]


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("command", [[], ["segment"], ["evaluate"], ["train"]])
def test_help_needs_nothing_heavy(command: list[str]) -> None:
    code = (
        "import sys; from partclipseg.cli import main\n"
        f"try: main({[*command, '--help']!r})\n"
        "finally: assert not {'torch', 'numpy', 'PIL', 'tqdm'} & set(sys.modules)"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert "python -m partclipseg" in done.stdout


def test_public_names_are_loaded_on_use() -> None:
    code = (
        "import sys, partclipseg\n"
        "assert set(partclipseg.__all__) <= set(dir(partclipseg))\n"
        "assert not {'torch', 'numpy'} & set(sys.modules)\n"
        "partclipseg.Segmentation, partclipseg.Query, partclipseg.InputError\n"
        "assert 'torch' not in sys.modules"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert all(hasattr(partclipseg, name) for name in partclipseg.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        partclipseg.nonsense  # noqa: B018


def test_version_and_exit_code_of_the_process() -> None:
    done = python("-m", "partclipseg", "--version")
    assert (done.returncode, done.stdout) == (0, f"partclipseg {partclipseg.__version__}\n")
    done = python("-m", "partclipseg", "segment", "no.jpg", "--out", "nowhere")
    assert done.returncode == 2 and not (ROOT / "nowhere").exists()


def test_a_reader_that_leaves_is_no_crash() -> None:
    code = (
        "import sys; from partclipseg import cli; from partclipseg.cli import evaluate\n"
        "evaluate.run = lambda args: print('figures') or 0\n"
        "sys.exit(cli.main('evaluate --data a --protocol text --json b'.split()))"
    )
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.checkpoint
@pytest.mark.skipif(not CHECKPOINT.exists(), reason="needs the bundled checkpoint")
def test_the_bundled_model_through_the_command_line(tmp_path: Path) -> None:
    y, x = np.mgrid[:120, :160]
    disc = np.hypot(x - 80, y - 60) < 30
    pixels = np.where(disc[..., None], [30, 30, 30], [200, 190, 180]).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "disc.png")
    argv = ["-m", "partclipseg", "segment", str(tmp_path / "disc.png"), "--out", str(tmp_path)]

    done = python(*argv, "--point", "80,60")
    assert done.returncode == 0, done.stderr
    data = json.loads((tmp_path / "disc.json").read_text())
    assert (data["model"], data["width"], data["height"]) == ("lite", 160, 120)
    assert 1 <= len(data["parts"]) <= 3
    rle = data["parts"][0]["segmentation"]
    assert rle["size"] == [120, 160]

    done = python(*argv, "--text", "car: wheel, front door")
    assert done.returncode == 0, done.stderr


@pytest.mark.checkpoint
@pytest.mark.skipif(not CHECKPOINT.exists(), reason="needs the bundled checkpoint")
def test_the_bundled_model_is_evaluated(tmp_path: Path) -> None:
    folder = write_set(
        tmp_path / "cars",
        [[("car", "hood", (10, 10, 20, 20), None), ("car", "door", (20, 10, 30, 20), None)]],
    )
    for protocol in ("oracle", "text", "click", "label"):
        file = tmp_path / f"{protocol}.json"
        argv = ["evaluate", "--data", str(folder), "--protocol", protocol, "--json", str(file)]
        assert cli.main([*argv, "--noc-targets", "1"]) == 0
        assert json.loads(file.read_text())["model"] == "lite"
