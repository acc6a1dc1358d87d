"""The model: load it, read the hooks that are needed, rebuild a head from a pattern."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from labeler.alignment import UNKNOWN, as_bytes, spans
from labeler.errors import ModelError
from labeler.faithful import Faithful
from labeler.loading import Source, explain, find, quiet
from labeler.shape import shape_of
from labeler.tokenizer import tokenizer_of

MIN_CONTEXT = 2
"""Tokens: fewer leave nothing to attend to but the query itself."""
Hooks = Mapping[str, Callable[[Tensor], Tensor | None]]
"""Hook name → what to do with its value; a returned tensor takes its place."""


class _Stop(Exception):  # noqa: N818 - control flow, not an error
    """Raised at the unembedding, whose cost nothing that reads activations needs."""


class LanguageModel:
    """A TransformerBridge and its tokenizer, for reading and for putting patterns in place."""

    def __init__(self, bridge: Any, name: str, tokenizer: Any) -> None:
        self.bridge = bridge
        self.tokenizer = tokenizer
        self.device = torch.device(bridge.cfg.device or "cpu")
        self.shape = shape_of(bridge, name)
        for parameter in bridge.parameters():
            parameter.requires_grad_(False)
        bridge.eval()

    @property
    def bos(self) -> int | None:
        """The token that opens every text; None where the tokenizer has none."""
        token: int | None = self.tokenizer.bos_token_id
        return token

    def tokenize(self, string: str) -> tuple[Int[ndarray, " pos"], Int[ndarray, "pos 2"]]:
        """Token ids and character spans, BOS put in front by hand with an empty span."""
        encoded = self.tokenizer(
            string, return_offsets_mapping=True, add_special_tokens=False, verbose=False
        )
        ids = list(encoded["input_ids"])
        pieces = self.tokenizer.convert_ids_to_tokens(ids)
        offsets = spans(string, pieces, encoded["offset_mapping"])
        if ids and max(ids) >= self.shape.vocabulary:
            raise ModelError(
                f"the tokenizer of {self.shape.name} gives token {max(ids)}, and the model has "
                f"{self.shape.vocabulary}; expected the tokenizer that it was trained with"
            )
        if self.bos is not None:
            ids, offsets = [self.bos, *ids], np.concatenate([np.zeros((1, 2), np.int64), offsets])
        return np.array(ids, dtype=np.int64), offsets

    def token_string(self, token: int) -> str:
        """A token as it reads, for labels and tables; SentencePiece's word mark is a space.

        Bytes that spell no character by themselves are shown as bytes: `<0xE2>`.
        """
        string = str(self.tokenizer.decode([token]))
        piece = str(self.tokenizer.convert_ids_to_tokens(token))
        if UNKNOWN in string:
            return as_bytes(piece) or string
        return f" {string}" if piece.startswith("▁") and string[:1] != " " else string

    def read(self, tokens: Int[Tensor, "batch pos"], hooks: Hooks) -> None:
        """Run up to the unembedding and hand the named activations to their functions.

        Under a device map they are brought to the model's first device before.
        """
        if (self.bridge.cfg.n_devices or 1) > 1:
            hooks = {name: partial(_brought, self.device, hook) for name, hook in hooks.items()}
        self._run(tokens, {**hooks, "unembed.hook_in": _stop}, stop=True)

    def logits(
        self, tokens: Int[Tensor, "batch pos"], hooks: Hooks, grad: bool = False
    ) -> Float[Tensor, "batch pos vocabulary"]:
        """Run to the end, with edits; with `grad` what they put in may be derived by."""
        found: Tensor = self._run(tokens, hooks, stop=False, grad=grad)
        return found.to(self.device)

    def logits_from(
        self, layer: int, residual: Float[Tensor, "batch pos d_model"], hooks: Hooks
    ) -> Float[Tensor, "batch pos vocabulary"]:
        """Run from `resid_pre` of a layer to the end; only where a self-test shows it exact."""
        named = [(name, partial(_call, function)) for name, function in hooks.items()]
        with torch.inference_mode():
            found: Tensor = self.bridge.run_with_hooks(
                residual, start_at_layer=layer, fwd_hooks=named
            )
        return found.to(self.device)

    def _run(
        self, tokens: Int[Tensor, "batch pos"], hooks: Hooks, stop: bool, grad: bool = False
    ) -> Any:
        named = [(name, partial(_call, function)) for name, function in hooks.items()]
        with torch.inference_mode(not grad), torch.set_grad_enabled(grad):
            try:
                return self.bridge.run_with_hooks(tokens.to(self.device), fwd_hooks=named)
            except _Stop:
                if not stop:
                    raise
                return None

    def replace_pattern(
        self, layer: int, heads: Sequence[int], pattern: Float[Tensor, "b h q k"]
    ) -> dict[str, Callable[[Tensor], Tensor | None]]:
        """Hooks that rebuild `hook_z` of some heads from `hook_v` and patterns of ours.

        Edits of `hook_pattern` are discarded on GPT-Neo, OPT and BERT, hence this way round.
        """
        kept: dict[str, Tensor] = {}

        def keep(value: Tensor) -> None:
            kept["v"] = value

        def rebuild(z: Tensor) -> Tensor:
            return rebuilt(z, self.attended(kept.pop("v")), heads, pattern)

        return {f"blocks.{layer}.attn.hook_v": keep, f"blocks.{layer}.attn.hook_z": rebuild}

    def attended(self, v: Float[Tensor, "b pos h d"]) -> Float[Tensor, "b pos h d"]:
        """What heads attend to, of `hook_v`."""
        limit = self.shape.value_limit
        return v if limit is None else v.clamp(-limit, limit)

    @contextmanager
    def attending(self, layer: int, z: Float[Tensor, "batch pos head d_head"]) -> Iterator[None]:
        """Have a layer's attention give what its W_O makes of this z, and compute nothing else.

        Only where a self-test shows it exact.
        """
        attention = self.bridge.blocks[layer].attn
        # The bridge hands attributes on to what it wraps; its own are in its dictionary.
        vars(attention)["forward"] = lambda *_, **__: (attention.o(z.flatten(2)), None)
        try:
            yield
        finally:
            del vars(attention)["forward"]

    def fingerprint(self) -> str:
        """A hash of all weights, first 16 digits."""
        digest = hashlib.blake2b(digest_size=8)
        for name, value in sorted(self.bridge.state_dict().items()):
            digest.update(name.encode())
            raw = value.detach().cpu().contiguous().view(torch.uint8).numpy()
            digest.update(raw.tobytes())
        return digest.hexdigest()

    def output_weights(self, layer: int) -> Float[Tensor, "head d_head d_model"]:
        """`W_O` of a layer's heads."""
        weights: Tensor = self.bridge.blocks[layer].attn.W_O
        return weights.to(self.device)

    def input_weights(self, layer: int) -> Float[Tensor, "d_model d_mlp"]:
        """What each neuron of a layer reads of the stream (its gate, where it has one)."""
        mlp = self.bridge.blocks[layer].mlp
        gate: Tensor | None = getattr(mlp, "W_gate", None)
        weights = mlp.W_in if gate is None else gate
        norm = self._mlp_norm(layer)
        return (weights if norm is None else behind(norm, weights)).to(self.device)

    def unembedding(self) -> tuple[Float[Tensor, "layer d_mlp d_model"], Float[Tensor, "d v"]]:
        """`W_out` of every layer and `W_U` behind the final norm, centred over tokens."""
        layers = range(self.shape.n_layers)
        w_u = self.bridge.W_U.to(self.device)
        w_out = torch.stack([self.bridge.blocks[i].mlp.W_out.to(self.device) for i in layers])
        w_u = behind(self.bridge.ln_final, w_u)
        return w_out, w_u - w_u.mean(dim=-1, keepdim=True)

    def _mlp_norm(self, layer: int) -> Any:
        """The norm through which a layer's MLP reads; None where there is none.

        GPT-J, Phi and Falcon have one norm for attention and MLP; OLMo 2 has none before either.
        """
        block = self.bridge.blocks[layer]
        norm = getattr(block, "ln2", None)
        if norm is None and self.shape.parallel:
            norm = getattr(block, "ln1", None)
        return norm


def rebuilt(
    z: Float[Tensor, "batch pos head d_head"],
    v: Float[Tensor, "batch pos kv_head d_head"],
    heads: Sequence[int],
    pattern: Float[Tensor, "b h q k"],
) -> Float[Tensor, "batch pos head d_head"]:
    """`z` with that of some heads made from their values and patterns of ours."""
    # Under a device map every layer may be on a device of its own.
    index = torch.as_tensor(list(heads), device=z.device)
    own = v.index_select(2, index // (z.shape[2] // v.shape[2]))
    new = torch.einsum("bhqk,bkhd->bqhd", pattern.to(own), own)
    return z.index_copy(2, index, new)


def norm_scale(norm: Any) -> Float[Tensor, " d_model"] | None:
    """What a norm multiplies by: its weight, 1 + its weight for Gemma, None for OLMo's bare one."""
    try:
        weight: Tensor | None = norm.weight
    except AttributeError:
        return None
    return 1 + weight if weight is not None and norm.uses_weight_offset else weight


def behind(norm: Any, weights: Float[Tensor, "d_model out"]) -> Float[Tensor, "d_model out"]:
    """What weights behind a norm read of the residual stream: its scale folded in.

    A LayerNorm takes out the mean of the stream, so what is alike in all dimensions is not read.
    """
    scale = norm_scale(norm)
    read = weights if scale is None else weights * scale.to(weights)[:, None]
    return read if norm.uses_rms_norm else read - read.mean(dim=0, keepdim=True)


def _call(
    function: Callable[[Tensor], Tensor | None],
    value: Tensor,
    hook: Any,  # noqa: ARG001 - the signature that TransformerLens calls
) -> Tensor | None:
    return function(value)


def _brought(
    device: torch.device, function: Callable[[Tensor], Tensor | None], value: Tensor
) -> None:
    function(value.to(device))


def _stop(_: Tensor) -> None:
    raise _Stop


_LOADING = Lock()
"""transformers changes its classes while it loads; two that do so at once leave them changed."""


@torch.inference_mode(False)  # weights as any others, whatever the caller is doing
def load_model(
    name: str,
    device: str = "auto",
    dtype: str = "float32",
    *,
    revision: str | None = None,
    device_map: str | None = None,
    pickle: bool = False,
    copies: int = 1,
    tell: Callable[[str], None] | None = None,
) -> LanguageModel:
    """Boot a hub name or a folder in Hugging Face format through TransformerBridge.

    `tell` is told what the memory is asked for before the weights are read. Raises ModelError as
    `loading.find` does, for weights or a tokenizer that cannot be loaded, for a context of fewer
    than two tokens, and for logits that are not those of transformers.
    """
    source = Source(name, device, dtype, revision, device_map, pickle, copies)
    found = find(source)
    if tell is not None:
        tell(found.said)
    from transformer_lens.model_bridge import TransformerBridge

    faithful = Faithful(name, found.device)
    try:
        with _LOADING, quiet():
            tokenizer = tokenizer_of(found.path)
            bridge = TransformerBridge.boot_transformers(
                found.path,
                device=found.device,
                device_map=device_map,
                dtype=getattr(torch, dtype),
                model_class=faithful,
                # The bridge gives a tokenizer without BOS one of its own, so it gets a copy.
                tokenizer=copy.deepcopy(tokenizer),
            )
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(explain(replace(source, name=found.path), error)) from error
    model = LanguageModel(bridge, name, tokenizer)
    if model.shape.n_ctx < MIN_CONTEXT:
        raise ModelError(
            f"model {name} has context length {model.shape.n_ctx} by its config.json, in which no "
            f"token has another before it; expected {MIN_CONTEXT} or more"
        )
    faithful.check(lambda tokens: model.logits(tokens, {}))
    return model
