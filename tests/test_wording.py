"""Words that stand for one concept are read together, unless both are asked for."""

import pytest
import torch
from torch.nn import functional as F

from partclipseg.prompts import Query
from partclipseg.wording import embed_queries, plain


def embed(phrases):
    """One random direction a phrase, the same each time."""
    rows = []
    for phrase in phrases:
        torch.manual_seed(sum(map(ord, phrase)))
        rows.append(F.normalize(torch.randn(8), dim=0))
    return torch.stack(rows)


@pytest.mark.parametrize(
    ("given", "usual"),
    [
        (Query("car", "windscreen"), Query("car", "windshield")),
        (Query("car", "bonnet", -1), Query("car", "hood", -1)),
        (Query(None, "wheel"), Query(None, "wheel")),
        (Query("car", None), Query("car", None)),
        (Query("flurb", "wibble"), Query("flurb", "wibble")),
        (Query("person", "shoes"), Query("person", "shoes")),
    ],
)
def test_the_vocabularys_own_word(given, usual):
    assert plain(given) == usual
    assert plain(plain(given)) == usual


def test_usual_words_are_read_as_they_are():
    queries = [Query("car", "wheel"), Query("car", None), Query(None, "flurb")]
    torch.testing.assert_close(embed_queries(embed, queries), embed([q.text for q in queries]))


def test_a_rare_word_is_read_with_the_usual_one():
    (vector,) = embed_queries(embed, [Query("car", "windscreen")])
    words = embed(["windscreen of a car", "windshield of a car"])
    torch.testing.assert_close(vector, F.normalize(words.mean(0), dim=0))


def test_words_that_are_both_asked_stay_apart():
    queries = [Query("person", "jumper"), Query("person", "sweater")]
    torch.testing.assert_close(embed_queries(embed, queries), embed([q.text for q in queries]))
