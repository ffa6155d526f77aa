"""The baselines on photos of flat colours, where each has an answer that is plain to see."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from partclipseg import PartPredictor, cli, datasets
from partclipseg.errors import InputError
from partclipseg.evaluation import baselines, evaluate, probe
from partclipseg.evaluation.metrics import iou
from tests.scripted import HEIGHT, WIDTH, mask_of_box, write_set

HOOD, DOOR = (6, 8, 30, 32), (30, 8, 54, 32)
NAMES = ["car: hood", "car: door"]


@pytest.fixture
def cars(tmp_path: Path) -> datasets.PartDataset:
    """A grey photo with a red hood and a blue door side by side."""
    parts = [[("car", "hood", HOOD, None), ("car", "door", DOOR, None)]]
    folder = write_set(tmp_path / "cars", parts)
    picture = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    picture[mask_of_box(HOOD)] = (220, 20, 20)
    picture[mask_of_box(DOOR)] = (20, 20, 220)
    Image.fromarray(picture).save(folder / "images" / "photo0.png")
    (folder / "train.json").write_bytes((folder / "val.json").read_bytes())
    return datasets.read(folder, "val")


def test_the_walker_stops_at_the_edge_of_a_colour(cars: datasets.PartDataset) -> None:
    pytest.importorskip("skimage")
    walker = baselines.Walker()
    photo = walker.encode(cars.images[0].path)
    (part,) = walker.predict([(17, 20)], [1], mask=None, photo=photo).parts
    assert iou(part.mask, mask_of_box(HOOD)) > 0.8
    both = walker.predict([(17, 20), (42, 20)], [1, 1], mask=None, photo=photo).parts[0].mask
    assert both[20, 17] and both[20, 42]
    less = walker.predict([(17, 20), (42, 20)], [1, 0], mask=None, photo=photo).parts[0].mask
    assert less[20, 17] and not less[20, 42]
    with pytest.raises(InputError, match="knows no words"):
        walker.segment("car: hood", photo=photo)
    report = evaluate(walker, cars, "click", noc_targets=0).to_json()
    assert report["model"] == "walker" and report["iou_first"] > 0.8


def test_superpixels_keep_to_colours(lite: Any, cars: datasets.PartDataset) -> None:
    pytest.importorskip("skimage")
    slic = baselines.Superpixels(PartPredictor(lite))
    photo = slic.encode(cars.images[0].path)
    _, pieces = photo.data
    assert pieces.shape == (HEIGHT, WIDTH)
    scores = slic.scores(photo, [baselines.Query("car", "hood"), baselines.Query("car", None)])
    assert scores.shape == (2, HEIGHT, WIDTH)
    for piece in np.unique(pieces):
        assert len(np.unique(scores[0][pieces == piece])) == 1
    winners = slic.compete(mask_of_box(HOOD), "car", ["hood", "door"], photo=photo)
    assert set(np.unique(winners[mask_of_box(HOOD)])) <= {0, 1}
    assert (winners[~mask_of_box(HOOD)] == -1).all()
    labels = slic.label([mask_of_box(HOOD)], NAMES, photo=photo)
    assert labels.probabilities.shape == (1, 2)


@pytest.mark.parametrize("protocol", ["oracle", "text", "label"])
def test_dense_clip_answers_words(lite: Any, cars: datasets.PartDataset, protocol: str) -> None:
    maskclip = baselines.MaskClip(lite)
    report = evaluate(maskclip, cars, protocol).to_json()
    assert report["targets"] == 2 and report["model"] == "maskclip (lite)"


def test_dense_clip_takes_no_clicks(lite: Any, cars: datasets.PartDataset) -> None:
    with pytest.raises(InputError, match="takes no clicks"):
        evaluate(baselines.MaskClip(lite), cars, "click")


def test_a_probe_learns_its_set_and_nothing_else(lite: Any, cars: datasets.PartDataset) -> None:
    fitted = probe.train(lite, cars)
    for protocol in ("oracle", "text"):
        assert evaluate(fitted, cars, protocol).to_json()["miou"] > 0.7
    assert evaluate(fitted, cars, "label").to_json()["recall1"] == 1.0
    with pytest.raises(InputError, match='not trained on "dog: tail"'):
        fitted.segment("dog: tail", photo=fitted.encode(cars.images[0].path))


def test_a_probe_needs_masks(lite: Any, tmp_path: Path) -> None:
    nothing = datasets.read(write_set(tmp_path / "nothing", [], extra=[("car", "hood")]), "val")
    with pytest.raises(InputError, match="no masks"):
        probe.train(lite, nothing)


def test_the_command_line_scores_a_baseline(
    lite: Any, cars: datasets.PartDataset, tmp_path: Path, capsys: Any
) -> None:
    folder = cars.images[0].path.parents[1]
    arguments = ["evaluate", "--data", str(folder), "--protocol", "oracle", "--limit", "1"]
    out = tmp_path / "out.json"
    assert cli.main([*arguments, "--baseline", "probe", "--json", str(out)]) == 0
    assert "linear probe (lite)" in capsys.readouterr().out
