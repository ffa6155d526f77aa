"""The bundled model through its one door, on photos that it was not trained on."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from partclipseg import InputError, ModelNotFoundError, PartPredictor, load
from partclipseg.results import Segmentation

pytestmark = pytest.mark.checkpoint

WHEEL = (300, 405)  # middle of the truck's left wheel, (x, y)


@pytest.fixture(scope="module")
def predictor(lite):
    return PartPredictor(lite)


@pytest.fixture(scope="module")
def truck(predictor, example):
    return predictor.encode(example / "truck.jpg")


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / max(1, (a | b).sum()))


def named(result: Segmentation) -> dict[str, np.ndarray]:
    return {p.label: p.mask for p in result.parts}


@pytest.mark.parametrize("device", ["cuda:99", "nonsense", "cpu;rm"])
def test_an_unusable_device_is_named(device):
    with pytest.raises(InputError, match=f'"{device}" cannot be used here'):
        load("lite", device)


def test_an_object_and_its_parts_may_be_asked_together(predictor, truck):
    found = named(predictor.segment("car: wheel; car:", photo=truck))
    assert set(found) == {"car: wheel", "car"}
    alone = named(predictor.segment("car: wheel", photo=truck))
    assert (found["car: wheel"] == alone["car: wheel"]).all()  # the whole takes nothing from it
    assert (found["car"] & found["car: wheel"]).sum() > 0.7 * found["car: wheel"].sum()
    nothing = predictor.segment("piano: key; piano:", photo=truck)
    assert nothing.messages.count("No piano was found in the photo.") == 1


def test_a_click_without_words_names_the_part_and_the_whole(predictor, truck):
    found = predictor.predict([WHEEL], [1], photo=truck).parts
    labels = {p.granularity: p.label for p in found}
    assert labels["whole"] == "car"
    assert "car: wheel" in labels.values()


@pytest.mark.slow
def test_a_mask_is_named_out_of_the_whole_vocabulary(predictor, truck, tmp_path, monkeypatch):
    monkeypatch.setenv("PARTCLIPSEG_CACHE", str(tmp_path))
    wheel = predictor.predict([WHEEL], [1], photo=truck).parts[0].mask
    guesses = predictor.what_is(wheel, 5, photo=truck)
    assert any("wheel" in name.query.label for name in guesses.names)
    assert guesses.objects[0].query.label == "car"
    assert guesses.parts[0].query.label == "car: wheel"
    with pytest.raises(InputError, match="empty"):
        predictor.what_is(np.zeros_like(wheel), photo=truck)


def test_a_part_asked_alone_does_not_take_what_is_clearly_another(predictor, truck):
    alone = named(predictor.segment("car: rear bumper", photo=truck))["car: rear bumper"]
    others = "car: rear bumper, wheel, taillight, front door, rear window, mirror"
    among = named(predictor.segment(others, photo=truck))
    wheel = among["car: wheel"]
    assert (alone & wheel).sum() < 0.1 * wheel.sum()
    assert alone.sum() < 2 * among["car: rear bumper"].sum()


def test_words_find_the_parts_of_a_car(predictor, truck):
    result = predictor.segment("car: wheel, front door", photo=truck)
    wheel = named(result)["car: wheel"]
    assert wheel.shape == (truck.photo.height, truck.photo.width)
    assert wheel[WHEEL[1], WHEEL[0]]
    assert not wheel[: truck.photo.height // 3].any()
    for part in result.parts:
        assert -1 <= part.similarity <= 1
        assert 0.5 < part.probability <= 1
        assert 0 < part.predicted_iou < 1
        assert part.area == part.mask.sum()


def test_an_object_that_is_not_there_is_not_found(predictor, truck):
    result = predictor.segment("dog: head, tail; car: wheel", photo=truck)
    assert "No dog was found in the photo." in result.messages
    assert {p.object for p in result.parts} == {"car"}


def test_a_word_alone_and_an_object_alone(predictor, truck):
    assert named(predictor.segment("wheel", photo=truck))["wheel"][WHEEL[1], WHEEL[0]]
    car = named(predictor.segment("car:", photo=truck))["car"]
    assert 0.1 < car.mean() < 0.6


def test_a_negative_name_takes_pixels_and_is_not_shown(predictor, truck):
    alone = named(predictor.segment("car: wheel", photo=truck))["car: wheel"]
    result = predictor.segment("car: wheel, -front door", photo=truck)
    assert set(named(result)) == {"car: wheel"}
    assert named(result)["car: wheel"].sum() <= alone.sum()


def test_a_higher_threshold_never_adds_a_pixel(predictor, truck):
    loose, strict = (
        named(predictor.segment("car: wheel", threshold=t, photo=truck))["car: wheel"]
        for t in (0.3, 0.7)
    )
    assert not (strict & ~loose).any() and loose.sum() > strict.sum()


def test_a_click_gives_masks_that_hold_it(predictor, truck):
    result = predictor.predict(points=[WHEEL], photo=truck)
    assert 1 <= len(result.parts) <= 3
    assert any(p.mask[WHEEL[1], WHEEL[0]] for p in result.parts)
    scores = [p.predicted_iou for p in result.parts]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("granularity", ["whole", "part", "subpart"])
def test_one_granularity_gives_one_mask(predictor, truck, granularity):
    result = predictor.predict(points=[WHEEL], granularity=granularity, photo=truck)
    assert [p.granularity for p in result.parts] == [granularity]


def test_a_box_around_the_wheel_gives_the_wheel(predictor, truck):
    x, y = WHEEL
    box = (x - 65, y - 65, x + 65, y + 65)
    best = predictor.predict(boxes=box, photo=truck).parts[0].mask
    inside = np.zeros_like(best)
    inside[box[1] : box[3], box[0] : box[2]] = True
    assert (best & inside).sum() > 0.5 * best.sum()
    assert best[y, x]


def test_words_name_what_is_clicked(predictor, truck):
    result = predictor.predict(points=[WHEEL], text="car: wheel", photo=truck)
    assert {p.label for p in result.parts} == {"car: wheel"}


def test_all_prompts_together(predictor, truck):
    mask = np.zeros((truck.photo.height, truck.photo.width), bool)
    mask[350:450, 250:350] = True
    result = predictor.predict(
        points=[WHEEL, (20, 20)], point_labels=[1, 0], boxes=[[230, 330, 370, 460]], mask=mask,
        text="car: wheel, front door", photo=truck,
    )  # fmt: skip
    assert result.parts


def test_a_predictor_keeps_nothing_between_answers(predictor, truck, example):
    before = predictor.segment("car: wheel", photo=truck)
    predictor.segment("cat: ear", photo=predictor.encode(example / "cat_face.jpg"))
    predictor.predict(points=[(5, 5)], photo=truck)
    assert predictor.segment("car: wheel", photo=truck) == before


def test_threads_share_photos(predictor, truck, example):
    cat = predictor.encode(example / "cat_face.jpg")
    jobs = [("car: wheel", truck), ("cat: ear, eye", cat)] * 4
    alone = [predictor.segment(text, photo=photo) for text, photo in jobs[:2]]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda j: predictor.segment(j[0], photo=j[1]), jobs))
    assert together == alone * 4


def test_set_image_in_the_style_of_sam(lite, example):
    predictor = PartPredictor(lite)
    with pytest.raises(InputError, match="set_image"):
        predictor.segment("wheel")
    predictor.set_image(Image.open(example / "truck.jpg"))
    assert predictor.segment("car: wheel").parts


def test_coordinates_are_those_of_the_photo(predictor, truck):
    """A photo of twice the size, clicked at the same place, gives the same mask, twice as large."""
    width, height = 2 * truck.photo.width, 2 * truck.photo.height
    large = Image.fromarray(truck.photo.array).resize((width, height), Image.Resampling.BICUBIC)
    again = predictor.encode(large)
    point = [(2 * WHEEL[0] + 0.5, 2 * WHEEL[1] + 0.5)]
    small = predictor.predict(points=[WHEEL], granularity="part", photo=truck).parts[0].mask
    big = predictor.predict(points=point, granularity="part", photo=again).parts[0].mask
    assert big.shape == (height, width)
    assert iou(big[::2, ::2], small) > 0.85


def test_label_compares_every_mask_with_every_name(predictor, truck):
    names = ["car: wheel", "car:", "dog: tail"]
    masks = [p.mask for p in predictor.segment("car: wheel, front door", photo=truck).parts]
    labels = predictor.label(masks, names, photo=truck)
    assert labels.names == ("car: wheel", "car", "dog: tail")
    assert labels.similarities.shape == (len(masks), 3)
    np.testing.assert_allclose(labels.probabilities.sum(1), 1, rtol=1e-5)
    assert labels.probabilities[0].argmax() == 0


def test_similarity_maps_are_cosines_at_the_photos_size(predictor, truck):
    maps = predictor.similarity("car: wheel, front door; car:; wheel", truck)
    assert list(maps) == ["car: wheel", "car: front door", "car", "wheel"]
    for values in maps.values():
        assert values.shape == (truck.photo.height, truck.photo.width)
        assert values.dtype == np.float32 and np.abs(values).max() <= 1 + 1e-4
    for label in ("car: wheel", "wheel"):  # warmer on the wheel than in the sky
        x, y = WHEEL
        assert maps[label][y - 20 : y + 20, x - 20 : x + 20].mean() > maps[label][:80].mean() + 0.1


def test_a_similarity_map_agrees_with_the_similarity_of_its_mask(predictor, truck):
    """A mask's vector is the mean of those under it: nearer to the name than most of its pixels."""
    for text in ("car: wheel", "car:", "wheel"):
        (part,) = predictor.segment(text, photo=truck).parts
        values = predictor.similarity(text, truck)[part.label]
        assert abs(float(values[part.mask].mean()) - part.similarity) < 0.15
        assert values[part.mask].mean() > values[~part.mask].mean()


def test_similarity_needs_a_photo_and_a_name(lite, predictor, truck):
    with pytest.raises(InputError, match="no photo"):
        PartPredictor(lite).similarity("wheel")
    with pytest.raises(InputError, match="no name"):
        predictor.similarity(" , ", truck)


def test_compete_fills_the_region_and_nothing_else(predictor, truck):
    region = np.zeros((truck.photo.height, truck.photo.width), bool)
    region[300:460, 150:950] = True
    parts = ["wheel", "front door", "headlight"]
    winners = predictor.compete(region, "car", parts, photo=truck)
    assert (winners[~region] == -1).all()
    assert set(np.unique(winners[region])) <= {0, 1, 2}


def test_everything_names_from_the_vocabulary(predictor, truck):
    result = predictor.everything("car: wheel, front door; car:", photo=truck)
    assert len(result.parts) >= 3
    assert {p.label for p in result.parts} <= {"car: wheel", "car: front door", "car"}
    for a in range(len(result.parts)):
        for b in range(a):
            assert iou(result.parts[a].mask, result.parts[b].mask) < 0.75


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ({}, "no prompt"),
        ({"points": [(-5, 3)]}, "outside the photo"),
        ({"points": [(1, 2)], "point_labels": [1, 1]}, "1 points but 2 point labels"),
        ({"boxes": [(50, 50, 20, 20)]}, "empty or reversed"),
        ({"mask": np.ones((3, 3), bool)}, "height and width"),
        ({"points": [(5, 5)], "granularity": "tiny"}, "whole, part or subpart"),
    ],
)
def test_bad_prompts_are_refused_in_a_sentence(predictor, truck, prompt, sentence):
    with pytest.raises(InputError, match=sentence):
        predictor.predict(photo=truck, **prompt)


def test_labels_need_masks_of_the_photos_size(predictor, truck):
    with pytest.raises(InputError, match="same size"):
        predictor.label([np.ones((4, 4), bool)], ["wheel"], photo=truck)
    with pytest.raises(InputError, match="at least one mask"):
        predictor.label([], ["wheel"], photo=truck)


def test_unknown_models():
    with pytest.raises(ModelNotFoundError, match="no model 'huge'"):
        load("huge")


def test_a_second_look_is_kept_with_the_photo(predictor, example):
    photo = predictor.encode(example / "person_dog_horse.jpg")
    box = (100, 100, 260, 260)
    assert photo.look(box) is photo.look(box)
    look = photo.look(box)
    assert look.origin == (100, 100) and (look.frame.width, look.frame.height) == (160, 160)
