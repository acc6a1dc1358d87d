"""A GPT-2-shaped model to be painted on: every weight is zero until it is set.

**Residual stream.** Orthogonal subspaces: one-hot token, one-hot position, then whatever a model
asks for (where heads write), then a three-coordinate *ballast*.

**Layer norm is the identity.** Ballast holds +C, -C and minus the sum of all the rest, so every
vector has mean 0 and squared norm 2C² + O(1). With gain γ = √(norm²/d + ε) the layer norm returns
its input to within n/4C² relative, n the squared norm of what heads and neurons have written (1e-5
for n = 40 at C = 1000). Writers keep the sum at 0. The gain of the ballast is 0: no reader sees it.

**Attention.** Logits are sums of bilinear terms `query @ key.T`, each with its own few coordinates
of the head, on the (layer-normed) residual stream with a 1 appended for the bias.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

from .vocabulary import VOCABULARY, ids, save_tokenizer

N_CTX = 64
BALLAST = 1000.0
D_VOCAB = len(VOCABULARY)


@dataclass(frozen=True)
class Term:
    """One bilinear term of a head's logits: `query` and `key` are [d_model + 1, rank]."""

    query: Tensor
    key: Tensor


class Canvas:
    """A GPT-2 of zeros with named subspaces; `attend`, `write` and `neuron` set its weights."""

    def __init__(
        self,
        n_layers: int,
        n_heads: int,
        d_head: int,
        d_mlp: int = 1,
        spaces: Mapping[str, int] | None = None,
    ) -> None:
        self.d_head, self.d_model = d_head, n_heads * d_head
        sizes = {"token": D_VOCAB, "position": N_CTX, **(spaces or {}), "ballast": 3}
        self.start = {}
        used = 0
        for name, size in sizes.items():
            self.start[name] = used
            used += size
        if used > self.d_model:
            raise ValueError(f"the subspaces need {used} dimensions, the model has {self.d_model}")
        self.sizes = sizes
        self.carried: dict[tuple[int, int], int] = {}
        self.model = GPT2LMHeadModel(self._config(n_layers, n_heads, d_mlp)).eval()
        self.model.requires_grad_(False)
        self._clear()

    def _config(self, n_layers: int, n_heads: int, d_mlp: int) -> GPT2Config:
        return GPT2Config(
            vocab_size=D_VOCAB,
            n_positions=N_CTX,
            n_embd=self.d_model,
            n_layer=n_layers,
            n_head=n_heads,
            n_inner=d_mlp,
            activation_function="relu",
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            bos_token_id=0,
            eos_token_id=0,
            tie_word_embeddings=False,
        )

    def _clear(self) -> None:
        """Zero weights, one-hot embeddings, ballast, and layer norms that do nothing."""
        for parameter in self.model.parameters():
            parameter.zero_()
        core = self.model.transformer
        plus, minus, rest = (self.start["ballast"] + i for i in range(3))
        core.wte.weight[:, self.span("token")] = torch.eye(D_VOCAB)
        core.wpe.weight[:, self.span("position")] = torch.eye(N_CTX)
        core.wpe.weight[:, plus], core.wpe.weight[:, minus] = BALLAST, -BALLAST
        core.wpe.weight[:, rest] = -2.0
        norm2 = 2 * BALLAST**2 + 2 + 4
        gain = math.sqrt(norm2 / self.d_model + self.model.config.layer_norm_epsilon)
        norms = [norm for block in core.h for norm in (block.ln_1, block.ln_2)]
        for norm in (*norms, core.ln_f):
            norm.weight.fill_(gain)
            norm.weight[self.span("ballast")] = 0.0

    def span(self, space: str) -> slice:
        """The residual coordinates of a subspace."""
        return slice(self.start[space], self.start[space] + self.sizes[space])

    def read(self, space: str, columns: Tensor) -> Tensor:
        """[d_model + 1, rank] that reads `columns` [size of space, rank] off a subspace."""
        reader = torch.zeros(self.d_model + 1, columns.shape[1])
        reader[self.span(space)] = columns
        return reader

    def tokens(self, words: Iterable[str], space: str = "token") -> Tensor:
        """Reads 1 where the token (or, in another space, the token written there) is in a class."""
        columns = torch.zeros(D_VOCAB, 1)
        columns[ids(list(words))] = 1.0
        return self.read(space, columns)

    def always(self) -> Tensor:
        """Reads 1 everywhere: the bias."""
        reader = torch.zeros(self.d_model + 1, 1)
        reader[-1] = 1.0
        return reader

    def place(self, space: str = "position") -> Tensor:
        """Reads the position, 0 to n_ctx - 1, as a number."""
        return self.read(space, torch.arange(float(N_CTX))[:, None])

    def first(self) -> Tensor:
        """Reads 1 at position 0."""
        return self.read("position", torch.eye(N_CTX)[:, :1])

    def offsets(self, *distances: int) -> Term:
        """Logit 1 at the keys that lie so many positions before the query."""
        query = torch.zeros(N_CTX, N_CTX)
        for distance in distances:
            query += torch.diag(torch.ones(N_CTX - distance), -distance)
        identity = torch.eye(N_CTX)
        return Term(self.read("position", query), self.read("position", identity))

    def same(self, query_space: str, key_space: str) -> Term:
        """Logit 1 where the query's one-hot in a space equals the key's in another."""
        identity = torch.eye(self.sizes[query_space])
        return Term(self.read(query_space, identity), self.read(key_space, identity))

    def attend(self, layer: int, head: int, *terms: tuple[float, Term]) -> None:
        """Give a head the logits Σ strength · query · key (GPT-2's 1/√d_head undone)."""
        query = torch.cat([term.query * strength for strength, term in terms], dim=1)
        key = torch.cat([term.key for _, term in terms], dim=1)
        rank = query.shape[1]
        if rank > self.d_head:
            raise ValueError(f"L{layer}H{head} needs {rank} dimensions, the head has {self.d_head}")
        attention = self.model.transformer.h[layer].attn.c_attn
        for part, reader in ((0, query * math.sqrt(self.d_head)), (1, key)):
            column = part * self.d_model + head * self.d_head
            attention.weight[:, column : column + rank] = reader[:-1]
            attention.bias[column : column + rank] = reader[-1]

    def carry(
        self, layer: int, head: int, source: str, target: str, matrix: Tensor | None = None
    ) -> None:
        """Let a head write what it attends to: target += Σ pattern · source @ matrix (identity)."""
        used = self.carried.get((layer, head), 0)
        size = self.sizes[source]
        self.carried[layer, head] = used + size
        if used + size > self.d_head:
            raise ValueError(f"L{layer}H{head} carries {used + size}, it has {self.d_head}")
        attention = self.model.transformer.h[layer].attn
        row = head * self.d_head + used
        value = 2 * self.d_model + row
        attention.c_attn.weight[self.span(source), value : value + size] = torch.eye(size)
        written = attention.c_proj.weight[row : row + size]
        written[:, self.span(target)] = torch.eye(size) if matrix is None else matrix
        self._balance(written)

    def neuron(
        self, layer: int, neuron: int, reader: Tensor, writes: Mapping[int, float] | None = None
    ) -> None:
        """Make a neuron relu(residual · reader); `writes` are residual coordinate → weight."""
        mlp = self.model.transformer.h[layer].mlp
        mlp.c_fc.weight[:, neuron] = reader[:-1].sum(dim=1)
        mlp.c_fc.bias[neuron] = reader[-1].sum()
        for coordinate, weight in (writes or {}).items():
            mlp.c_proj.weight[neuron, coordinate] = weight
        self._balance(mlp.c_proj.weight[neuron : neuron + 1])

    def _balance(self, written: Tensor) -> None:
        """Set, in place, the last ballast coordinate of rows to minus the sum of the others."""
        rest = self.start["ballast"] + 2
        written[:, rest] = 0.0
        written[:, rest] = -written.sum(dim=1)

    def predict(self, space: str, matrix: Tensor) -> None:
        """Let the logits read a subspace: logits += space @ matrix [size, d_vocab]."""
        self.model.lm_head.weight[:, self.span(space)] += matrix.T

    def save(self, folder: Path) -> None:
        """Write config.json, model.safetensors and the tokenizer files."""
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save_pretrained(folder)
        save_tokenizer(folder, N_CTX)
