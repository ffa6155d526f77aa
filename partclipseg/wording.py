"""Asked names as vectors: a word that stands for another one is read together with it.

"windscreen" is rare in what a text tower has read, "windshield" is not. Where the vocabulary
knows that two words are one concept, the mean of both is asked for (query expansion).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from partclipseg import vocabulary
from partclipseg.prompts import Query
from partclipseg.vocabulary.spelling import fold, variants


@lru_cache(maxsize=8192)
def plain(query: Query) -> Query:
    """The same query in the vocabulary's own words: "car: bonnet" -> "car: hood".

    A mere plural or spelling of the vocabulary's word stays: text towers know those.
    """
    known = vocabulary.load()

    def usual(name: str | None) -> str | None:
        if name is None:
            return None
        own = known.canonical(name)
        return name if fold(own) in variants(fold(name)) else own

    return replace(query, object=usual(query.object), part=usual(query.part))


def embed_queries(embed: Callable[[Sequence[str]], Tensor], queries: Sequence[Query]) -> Tensor:
    """``(N, D)`` unit vectors of N queries that compete with one another.

    A query is not read as what another one of them asks for: where "jumper" and "sweater" are both
    asked, they are meant to differ.

    Args:
        embed: phrases -> unit vectors.
    """
    asked = [query.text for query in queries]
    usual = [plain(query).text for query in queries]
    taken = set(asked)
    both = [u if u not in taken else a for a, u in zip(asked, usual, strict=True)]
    vectors = embed(asked)
    if both == asked:
        return vectors
    return F.normalize(torch.stack([vectors, embed(both)]).mean(0), dim=-1)
