"""Names, their other words, parts of objects, search as you type, and labelling with all of it."""

import gzip
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partclipseg import InputError, PartPredictor, vocabulary
from partclipseg.labelling import Labeller, embed, text_weights
from partclipseg.vocabulary import Vocabulary
from partclipseg.vocabulary.cache import EmbeddingCache, cache_folder, fingerprint
from partclipseg.vocabulary.search import KINDS, _ascii, slips_to_beginning
from partclipseg.vocabulary.spelling import fold
from partclipseg.vocabulary.wordnet import read_counts, read_senses, read_synsets


@pytest.fixture(scope="module")
def words():
    return vocabulary.load()


SMALL = Vocabulary(
    [("car", "auto", "motor car"), ("wheel",), ("tire", "tyre"), ("dog", "Canis familiaris"),
     ("head",), ("tail",), ("beagle",), ("steering wheel",), ("wheelchair",), ("well",)],
    {"car": ["wheel", "tire", "steering wheel"], "dog": ["head", "tail", "tongue"],
     "beagle": ["collar", "=dog/2"]},
)  # fmt: skip


# The bundled vocabulary


def test_it_is_large_and_small(words):
    assert len(words.names) >= 20_000
    assert len(words.pairs) >= 10_000
    assert vocabulary.FILE.stat().st_size < 1_000_000


def test_names_are_unique_and_stand_for_themselves(words):
    assert len({fold(name) for name in words.names}) == len(words.names)
    assert [name for name in words.names if words.canonical(name) != name] == []


def test_pairs_are_made_of_names(words):
    names = set(words.names)
    assert {x for pair in words.pairs for x in pair} <= names
    assert set(words.objects) <= names and set(words.roots) <= set(words.objects)
    assert len(set(words.pairs)) == len(words.pairs)
    assert all(owner != part for owner, part in words.pairs)


def test_pairs_are_the_parts_of_objects(words):
    assert words.pairs == tuple((o, p) for o in words.objects for p in words.parts_of(o))


@pytest.mark.parametrize(
    ("owner", "parts"),
    [
        ("car", ["wheel", "door", "hood", "headlight"]),
        ("dog", ["ear", "tail", "paw"]),
        ("beagle", ["ear", "tail", "paw"]),
        ("robin", ["beak", "wing"]),
        ("oak", ["trunk", "leaf"]),
        ("chair", ["seat", "back", "leg"]),
        ("face", ["eye", "nose", "mouth"]),
        ("bicycle", ["wheel", "handlebar", "pedal"]),
        ("house", ["roof", "door", "window"]),
    ],
)
def test_everyday_objects_have_their_parts(words, owner, parts):
    assert set(parts) <= set(words.parts_of(owner))


def test_the_most_telling_parts_come_first(words):
    assert words.parts_of("car")[:3] == ("wheel", "door", "hood")
    parts = words.parts_of("car")
    assert parts.index("wheel") < parts.index("sunroof")


def test_every_everyday_object_is_in_it(words):
    for owner, parts in vocabulary.common().items():
        known = words.parts_of(owner)
        missing = {words.canonical(p) for p in parts} - {*known, words.canonical(owner)}
        assert not missing or len(known) >= 32, (owner, missing)


def test_kinds_have_the_parts_of_the_general_object(words):
    assert words.general("beagle") == "dog" and words.general("dog") is None
    assert set(words.parts_of("beagle")) <= set(words.parts_of("dog"))


def test_everyday_names_come_first(words):
    place = {name: i for i, name in enumerate(words.names)}
    assert max(place[n] for n in ("car", "dog", "wheel", "house", "hand")) < 1000
    assert place["beagle"] > place["dog"]


def test_no_anatomy_under_the_skin_and_nothing_unkind(words):
    banned = {"aorta", "sciatic nerve", "mitochondrion", "penis", "whore", "bastard", "aspirin"}
    assert not banned & set(words.names)


def test_the_licence_lies_beside_it():
    text = (vocabulary.FILE.parent / "WORDNET_LICENSE.txt").read_text(encoding="utf-8")
    assert "Princeton University" in text and "ALL copies" in text


# Other words


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("tyre", "tire"), ("Tyres", "tire"), ("bonnet", "hood"), ("windscreen", "windshield"),
        ("lorry", "truck"), ("aeroplane", "airplane"), ("automobile", "car"), ("the car", "car"),
        ("wheels", "wheel"), ("mice", "mouse"), ("knives", "knife"), ("teeth", "tooth"),
        ("moustache", "mustache"), ("T-Shirt", "t-shirt"), ("t shirt", "t-shirt"),
        ("number plates", "license plate"), ("jewellery", "jewelry"), ("glasses", "glasses"),
        ("scissors", "scissors"), ("glass", "glass"), ("bus", "bus"), ("TV", "television"),
        ("trousers", "pants"), ("boots", "boot"), ("Canis familiaris", "dog"),
    ],
)  # fmt: skip
def test_other_words_mean_the_same(words, word, name):
    assert words.canonical(word) == name
    assert word in words


def test_all_words_of_a_concept(words):
    assert {"tire", "tyre"} <= set(words.words_for("tyres"))
    assert words.words_for("car")[0] == "car"
    assert words.words_for("no such thing") == ()


def test_unknown_words_come_back(words):
    assert words.canonical("  left   flux  capacitor ") == "left flux capacitor"
    assert "flux capacitor" not in words
    assert words.parts_of("flux capacitor") == ()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_canonical_twice_is_canonical_once(text):
    words = vocabulary.load()
    once = words.canonical(text)
    assert words.canonical(once) == once


def test_aliases_lead_to_names(words):
    names = set(words.names)
    assert all(words.canonical(w) in names for row in words._words[::25] for w in row)


# Search


def test_kinds_of_match_come_in_order(words):
    for text in ("whe", "door", "tyr", "light", "wing", "a"):
        kinds = [KINDS.index(m.kind) for m in words.matches(text, 50)]
        assert kinds == sorted(kinds)


def test_prefix_before_later_word_before_substring_before_slips():
    found = [(m.name, m.kind) for m in SMALL.matches("whee")]
    assert found[:3] == [("wheel", "prefix"), ("wheelchair", "prefix"), ("steering wheel", "word")]
    assert ("well", "fuzzy") not in found
    assert [(m.name, m.kind) for m in SMALL.matches("eel", 3)] == [
        ("wheel", "substring"), ("steering wheel", "substring"), ("wheelchair", "substring"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "name"),
    [("weel", "wheel"), ("hwheel", "wheel"), ("headlihgt", "headlight"), ("hedlight", "headlight"),
     ("stering wheel", "steering wheel"), ("elehpant", "elephant"), ("Bicicle", "bicycle")],
)  # fmt: skip
def test_slips_are_forgiven(words, typed, name):
    assert words.search(typed, 3)[0] == name


def test_other_words_are_found_and_named(words):
    (match,) = words.matches("tyre", 1)
    assert (match.name, match.word, match.kind) == ("tire", "tyre", "exact")


def test_a_concept_is_suggested_once(words):
    for text in ("car", "wheel", "b"):
        found = words.search(text, 100)
        assert len(found) == len(set(found))


@pytest.mark.parametrize("limit", [0, 1, 7, 40])
def test_never_more_than_asked(words, limit):
    assert len(words.search("w", limit)) == limit


@pytest.mark.parametrize("text", ["", "   ", "\n", "zzzzqqq", "日本", "%$#", "x" * 500, "a\nb"])
def test_odd_queries(words, text):
    assert isinstance(words.search(text), tuple)


def test_nothing_typed_suggests_the_most_everyday(words):
    assert words.search("", 5) == words.names[:5]


def test_parts_of_the_object_come_first(words):
    assert words.search("w", 3, of="car")[0] == "wheel"
    assert words.search("", 3, of="car") == words.parts_of("car")[:3]
    assert "whale" in words.search("wha", 5, of="car")


def edits(a: str, b: str) -> int:
    """Optimal string alignment distance, letter by letter."""
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    table[:, 0], table[0] = range(len(a) + 1), range(len(b) + 1)
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            table[i, j] = min(
                table[i - 1, j] + 1,
                table[i, j - 1] + 1,
                table[i - 1, j - 1] + (a[i - 1] != b[j - 1]),
            )
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
    return int(table[-1, -1])


@settings(deadline=None)
@given(st.text("abc", min_size=1, max_size=9), st.lists(st.text("abc", max_size=9), min_size=1))
def test_slips_are_counted_as_by_hand(key, texts):
    letters = np.zeros((9, len(texts)), np.uint8)
    for column, text in zip(letters.T, texts, strict=True):
        column[: len(text)] = list(_ascii(text))
    slow = [min(edits(key, t[:n]) for n in range(len(t) + 1)) for t in texts]
    assert slips_to_beginning(key, letters).tolist() == slow


# Reading


def test_the_mark_of_the_general_object_is_spelt_out():
    assert SMALL.parts_of("beagle") == ("collar", "head", "tail")
    assert SMALL.general("beagle") == "dog"
    assert SMALL.roots == ("car", "dog")


def test_a_file_is_read(tmp_path):
    data = {"names": ["car|auto", "wheel"], "parts": {"car": "wheel"}, "everyday": 1}
    path = tmp_path / "words.json.gz"
    path.write_bytes(gzip.compress(json.dumps(data).encode()))
    read = Vocabulary.read(path)
    assert read.names == ("car", "wheel") and len(read) == 2 and read.everyday == ("car",)
    assert read.canonical("Autos") == "car" and read.pairs == (("car", "wheel"),)


def test_wordnet_files_are_read(tmp_path):
    data, index = tmp_path / "data.noun", tmp_path / "index.noun"
    data.write_text(
        "  1 a licence\n"
        "00000001 06 n 02 car 0 motor_car 0 003 %p 00000002 n 0000 @ 00000003 n 0000 "
        ";u 00000004 n 0201 | a vehicle\n"
        "00000002 06 n 01 wheel 1 000 | a round part\n"
    )
    index.write_text("  1 a licence\nmotor_car n 1 1 @ 1 0 00000001  \n")
    car = read_synsets(data)["00000001"]
    assert car.lemmas == ("car", "motor car") and car.targets("%p") == ["00000002"]
    assert car.keys == ("car%1:06:00::", "motor_car%1:06:00::")
    assert car.usage == ((2, "00000004"),) and car.gloss == "a vehicle"
    assert read_senses(index) == {"motor car": ("00000001",)}
    assert read_counts(tmp_path / "none") == {}
    (tmp_path / "cntlist.rev").write_text("car%1:06:00:: 1 71\n")
    assert read_counts(tmp_path / "cntlist.rev") == {"car%1:06:00::": 71}
    with pytest.raises(InputError, match="wordnet-base"):
        read_senses(tmp_path / "nothing")


def test_threads_get_the_same_vocabulary(monkeypatch):
    monkeypatch.setattr(vocabulary, "_loaded", None)
    barrier = threading.Barrier(4)

    def job(text: str) -> tuple:
        barrier.wait()
        found = vocabulary.load()
        return id(found), found.search(text, 5)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(job, ["whe", "whe", "dor", "dor"]))
    assert len({i for i, _ in results}) == 1
    assert results[0] == results[1] and results[2] == results[3]


# Embeddings on disk

VALUES = np.arange(12, dtype=np.float16).reshape(4, 3)


def test_embeddings_come_back(tmp_path):
    cache = EmbeddingCache(tmp_path / "new" / "folder")
    assert cache.read("k", (4, 3)) is None
    assert cache.write("k", VALUES)
    np.testing.assert_array_equal(cache.read("k", (4, 3)), VALUES)
    assert [p.name for p in cache.folder.iterdir()] == ["vocabulary-k.bin"]


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "text", "shape"])
def test_damaged_embeddings_count_as_missing(tmp_path, damage):
    cache = EmbeddingCache(tmp_path)
    cache.write("k", VALUES)
    data = bytearray(cache.path("k").read_bytes())
    data[-1] ^= 1
    broken = {"cut": data[:-5], "flip": data, "empty": b"", "text": b"hello"}
    if damage in broken:
        cache.path("k").write_bytes(broken[damage])
    assert cache.read("k", (4, 3) if damage != "shape" else (5, 3)) is None
    cache.write("k", VALUES)
    np.testing.assert_array_equal(cache.read("k", (4, 3)), VALUES)


def test_an_unwritable_folder_keeps_nothing(tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = EmbeddingCache(tmp_path / "file" / "folder")
    assert cache.write("k", VALUES) is False
    assert cache.read("k", (4, 3)) is None


def test_the_longest_unused_go_first(tmp_path):
    cache = EmbeddingCache(tmp_path, kept=2)
    for age, key in enumerate("abc"):
        cache.write(key, VALUES)
        os.utime(cache.path(key), (1000 + age, 1000 + age))
    cache.read("b", (4, 3))
    cache.write("d", VALUES)
    assert {p.name for p in tmp_path.iterdir()} == {"vocabulary-b.bin", "vocabulary-d.bin"}


def test_the_folder_is_chosen_by_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("PARTCLIPSEG_CACHE", str(tmp_path))
    assert cache_folder() == EmbeddingCache().folder == tmp_path
    monkeypatch.delenv("PARTCLIPSEG_CACHE")
    assert cache_folder().parts[-1] in ("partclipseg", "Cache")


def test_the_fingerprint_depends_on_weights_and_names():
    weights = {"a": np.arange(4, dtype=np.uint8)}
    other = {"a": np.arange(4, dtype=np.uint8)[::-1]}
    keys = {
        fingerprint(weights, ["x", "y"]), fingerprint(other, ["x", "y"]),
        fingerprint(weights, ["y", "x"]), fingerprint({"b": weights["a"]}, ["x", "y"]),
    }  # fmt: skip
    assert len(keys) == 4
    assert fingerprint(weights, ["x", "y"]) in keys


# Labelling

WHEEL = (300, 405)  # middle of the truck's left wheel, (x, y)
NAMES = Vocabulary(
    [(n,) for n in ("car", "truck", "dog", "cat", "house", "wheel", "front door", "headlight",
                    "head", "tail", "ear", "leg", "roof", "window")],
    {"car": ["wheel", "front door", "headlight", "window"], "dog": ["head", "tail", "ear", "leg"],
     "cat": ["head", "tail", "ear"], "house": ["roof", "window"]},
)  # fmt: skip


@pytest.fixture(scope="module")
def truck(lite, example):
    return PartPredictor(lite).encode(example / "truck.jpg")


@pytest.fixture(scope="module")
def wheel(truck):
    rows, columns = np.ogrid[: truck.photo.height, : truck.photo.width]
    return (rows - WHEEL[1]) ** 2 + (columns - WHEEL[0]) ** 2 < 45**2


@pytest.fixture
def labeller(lite, tmp_path):
    return Labeller(lite, NAMES, EmbeddingCache(tmp_path))


@pytest.mark.checkpoint
def test_a_wheel_is_called_a_wheel(labeller, truck, wheel):
    guesses = labeller.guess(truck, wheel, limit=5)
    assert guesses.names[0].query.label == "wheel"
    assert guesses.objects[0].query.label == "car"
    assert guesses.parts[0].query.label == "car: wheel"
    for row in (guesses.names, guesses.objects, guesses.parts):
        assert 0 < len(row) <= 5
        probabilities = [g.probability for g in row]
        assert probabilities == sorted(probabilities, reverse=True)
        assert 0 < sum(probabilities) <= 1 + 1e-5
        assert all(-1 <= g.similarity <= 1 + 1e-5 for g in row)


@pytest.mark.checkpoint
def test_the_answer_is_the_same_from_disk_and_beside_others(labeller, lite, truck, wheel):
    first = labeller.guess(truck, wheel)
    again = Labeller(lite, NAMES, labeller.cache)
    again.cache.write = None  # what is on disk is not made anew
    with ThreadPoolExecutor(3) as pool:
        assert set(pool.map(lambda _: again.guess(truck, wheel), range(3))) == {first}


@pytest.mark.checkpoint
def test_labelling_survives_a_damaged_or_missing_cache(labeller, lite, truck, wheel, tmp_path):
    first = labeller.guess(truck, wheel)
    (file,) = labeller.cache.folder.glob("*.bin")
    file.write_bytes(b"damaged")
    assert Labeller(lite, NAMES, labeller.cache).guess(truck, wheel) == first
    (tmp_path / "file").write_text("in the way")
    nowhere = EmbeddingCache(tmp_path / "file" / "folder")
    assert Labeller(lite, NAMES, nowhere).guess(truck, wheel) == first


@pytest.mark.checkpoint
def test_embeddings_are_those_of_the_text_tower_in_order(lite):
    phrases = ["steering wheel of a very long limousine", "ear", "front door", "ear"]
    shares: list[float] = []
    found = embed(lite.backbone, phrases, shares.append)
    np.testing.assert_allclose(found, lite.backbone.encode_text(phrases).detach(), atol=1e-5)
    assert shares[-1] == 1
    assert not any("visual" in name for name in text_weights(lite.backbone))


@pytest.mark.checkpoint
def test_bad_masks_are_refused_in_a_sentence(labeller, truck):
    with pytest.raises(InputError, match="same size"):
        labeller.guess(truck, np.ones((4, 4), bool))
    with pytest.raises(InputError, match="empty"):
        labeller.guess(truck, np.zeros((truck.photo.height, truck.photo.width), bool))
