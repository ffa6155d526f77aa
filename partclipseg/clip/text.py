"""Running open_clip's text transformer on short phrases without paying for the padding."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def encode_tokens(text_tower: Any, tokens: Tensor) -> Tensor:
    """Embed tokenised phrases, equal to the tower's own forward pass but cut to the longest phrase.

    open_clip's ``TextTransformer`` always computes its full context because its causal mask has a
    fixed shape. Under a causal mask nothing behind the end-of-text token can reach it, so the
    padding may be cut off: a part name has 6 tokens, the context 32.

    Args:
        text_tower: open_clip ``TextTransformer`` with a causal mask and end-of-text pooling.
        tokens: (N, context) int64 from the tower's tokenizer.

    Returns:
        (N, D) float32 unit vectors.
    """
    ends = tokens.argmax(dim=-1)  # the end-of-text token has the highest id
    length = int(ends.max()) + 1
    tokens = tokens[:, :length]
    hidden = text_tower.token_embedding(tokens) + text_tower.positional_embedding[:length]
    hidden = text_tower.transformer(hidden, attn_mask=text_tower.attn_mask[:length, :length])
    hidden = text_tower.ln_final(hidden[torch.arange(len(tokens)), ends])
    return F.normalize(hidden @ text_tower.text_projection, dim=-1)
