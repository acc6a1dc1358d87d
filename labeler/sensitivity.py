"""Effects of heads, measured: the model's gradients over some texts of every fold."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from heuristics.text import Text
from labeler.batches import pad
from labeler.effects import Effects
from labeler.engines.forked import in_order
from labeler.engines.threads import affordable, workers
from labeler.loading import WORKING
from labeler.model import LanguageModel
from labeler.predict import baseline, targets_dense
from labeler.prepare import Prepared
from labeler.progress import Progress
from labeler.session import Session
from labeler.turns import texts_in_turn

TEXTS = 150
"""Texts of each half of the folds that are read."""
DRAWS = 4
"""Directions that the Fisher information is drawn in, for each text: with 12 or 32 the labels of
stories260k cost as much when they are run, to within what separates one draw from another."""
CELLS = 2**24
"""Targets are laid out for so many cells at once, of query, relation and key."""


def effects_of(
    session: Session, relations: Int[ndarray, "head listed"], progress: Progress
) -> Effects:
    """The effects of all heads on the first texts of both halves of the folds.

    `relations` are those listed for each head. A text is read once and its predictions derived
    `DRAWS` times, which takes as long as some nine forward passes.
    """
    texts = [found for half in (False, True) for found in texts_in_turn(session, half, TEXTS)]
    by_fold: list[list[Text]] = [[] for _ in range(session.n_folds)]
    for fold, text in texts:
        by_fold[fold].append(text)
    progress.stage("effects", len(texts), "prompts")
    n_classes, own = len(session.vocabulary.classes), relations.shape[1] + 1
    cross = np.zeros((session.n_folds, len(relations), n_classes, own, own), dtype=np.float32)

    def added(fold: int) -> Float[ndarray, "head class own own"]:
        total = np.zeros(cross.shape[1:])
        for text in by_fold[fold]:
            add_effects(total, session.model, session.prepare(text), relations)
        return total.astype(np.float32)

    wanted = affordable(workers(session.settings), WORKING)
    for fold, found in enumerate(in_order(added, session.n_folds, wanted, progress.note)):
        cross[fold] = found
        progress.advance(len(by_fold[fold]))
    return Effects(relations, cross)


def add_effects(
    total: Float[ndarray, "head class own own"],
    model: LanguageModel,
    item: Prepared,
    relations: Int[ndarray, "head listed"],
) -> None:
    """Add the effects of all heads on one text, in place."""
    shape, n = model.shape, len(item)
    every = np.arange(len(item.pairs[0].present))
    size = max(1, CELLS // (len(every) * n))
    for layer, (pattern, value, slope) in enumerate(_derived(model, item)):
        window = shape.windows[layer]
        heads = shape.heads_of(layer)
        pairs = item.pairs[shape.kinds.index(window)]
        even = baseline(n, window).to(pattern)
        grouped = value.repeat_interleave(shape.n_heads // value.shape[1], dim=1).transpose(0, 1)
        for first in range(0, n, size):
            rows = slice(first, min(first + size, n))
            targets = targets_dense(pairs, every, n, range(n)[rows])
            # What each key's value does to the predictions, less that of an even spread.
            does = torch.einsum("hkd,hqds->hqks", grouped, slope[:, rows])
            does -= torch.einsum("qk,hqks->hqs", even[rows], does)[:, :, None]
            seen = [
                torch.cat([targets[:, own].to(pattern), pattern[head, rows][:, None]], dim=1)
                @ does[head]
                for head, own in enumerate(relations[heads])
            ]
            _add_by_class(total[heads], torch.stack(seen), item.classes[rows])


def _add_by_class(
    total: Float[ndarray, "head class own own"],
    seen: Float[Tensor, "head query own draw"],
    classes: Int[ndarray, " query"],
) -> None:
    for leaf in np.unique(classes):
        rows = torch.from_numpy(np.flatnonzero(classes == leaf)).to(seen.device)
        flat = seen.index_select(1, rows).transpose(1, 2).flatten(2)
        total[:, leaf] += torch.bmm(flat, flat.transpose(1, 2)).double().cpu().numpy() / DRAWS


@torch.inference_mode(False)
def _derived(
    model: LanguageModel, item: Prepared
) -> list[tuple[Float[Tensor, "h q k"], Float[Tensor, "k kv d"], Float[Tensor, "h q d draw"]]]:
    """Patterns, values, and the slopes of the predictions by what each head writes, by layer."""
    kept: dict[str, Tensor] = {}
    added: list[Tensor] = []

    def keep(name: str, value: Tensor) -> None:
        kept[name] = value.detach()

    def add(z: Tensor) -> Tensor:
        added.append(torch.zeros_like(z, requires_grad=True))
        return z + added[-1]

    layers = range(model.shape.n_layers)
    names = [f"blocks.{i}.attn.hook_{what}" for i in layers for what in ("pattern", "v")]
    hooks = {name: partial(keep, name) for name in names}
    logits = model.logits(
        pad([item]), hooks | {f"blocks.{i}.attn.hook_z": add for i in layers}, grad=True
    )
    slopes = [
        torch.autograd.grad(logits, added, along.to(logits)[None], retain_graph=True)
        for along in _directions(logits[0].detach().float(), item.tokens)
    ]
    device, found = model.device, []
    for i in layers:
        slope = torch.stack([one[i][0] for one in slopes], dim=-1).transpose(0, 1)
        pattern, value = kept[names[2 * i]][0], model.attended(kept[names[2 * i + 1]])[0]
        found.append(tuple(x.to(device).float() for x in (pattern, value, slope)))
    return found  # type: ignore[return-value]


def _directions(
    logits: Float[Tensor, "pos vocabulary"], tokens: Int[ndarray, " pos"]
) -> Iterator[Float[Tensor, "pos vocabulary"]]:
    """Directions of the logits in which predictions are derived.

    They are drawn by the text itself, so that they are the same wherever and whenever it is read.
    """
    digest = hashlib.blake2b(np.ascontiguousarray(tokens).tobytes(), digest_size=8)
    draw = torch.Generator().manual_seed(int.from_bytes(digest.digest(), "big") >> 1)
    p = logits.softmax(dim=-1)
    for _ in range(DRAWS):
        sign = torch.randint(0, 2, logits.shape, generator=draw, dtype=torch.int8)
        yield direction(p, (2 * sign - 1).to(p))


def direction(
    p: Float[Tensor, "pos vocabulary"], sign: Float[Tensor, "pos vocabulary"]
) -> Float[Tensor, "pos vocabulary"]:
    """u = √p r − p (√p · r) for random signs r: its mean u uᵀ is diag p − p pᵀ.

    That is the Fisher information of a token by its logits.
    """
    signed = p.sqrt() * sign
    return signed - p * signed.sum(dim=-1, keepdim=True)
