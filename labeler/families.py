"""The model families that the labeler is tested on, and the word to a model of any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from labeler.errors import ModelError

ALL = "all"
NO_EXPERTS = "none: experts"


@dataclass(frozen=True)
class Family:
    """One architecture: what tests/models holds of it, on a small model with random weights.

    `start_at_layer`: a forward pass begun at a later layer equals the whole one, so `labeler
    verify` may use it; where it does not, verify runs whole passes.
    """

    architecture: str
    name: str
    examples: str
    positions: str
    window: bool = False
    gated: bool = False
    parallel: bool = False
    neurons: str = ALL
    start_at_layer: bool = True

    @property
    def neuron_hook(self) -> str:
        """What `mlp.hook_post` is here, in the names of TransformerLens."""
        if self.neurons != ALL:
            return "none (mixture of experts)"
        return "act(hook_pre) · hook_pre_linear" if self.gated else "act(hook_pre)"


FAMILIES: tuple[Family, ...] = (
    Family("GPT2LMHeadModel", "GPT-2", "gpt2, distilgpt2", "learned"),
    Family(
        "GPTNeoForCausalLM", "GPT-Neo", "roneneldan/TinyStories-1L-21M, EleutherAI/gpt-neo-125m",
        "learned", window=True,
    ),
    Family(
        "GPTNeoXForCausalLM", "GPT-NeoX, Pythia", "EleutherAI/pythia-70m", "rotary (a part)",
        parallel=True,
    ),
    Family("GPTJForCausalLM", "GPT-J", "EleutherAI/gpt-j-6b", "rotary (a part)", parallel=True),
    Family("OPTForCausalLM", "OPT", "facebook/opt-125m", "learned"),
    Family("BloomForCausalLM", "BLOOM", "bigscience/bloom-560m", "ALiBi", start_at_layer=False),
    Family("MptForCausalLM", "MPT", "mosaicml/mpt-7b", "ALiBi"),
    Family(
        "FalconForCausalLM", "Falcon", "tiiuae/falcon-rw-1b, tiiuae/falcon-7b", "rotary or ALiBi",
        parallel=True,
    ),
    Family("PhiForCausalLM", "Phi 1–2", "microsoft/phi-1_5", "rotary (a part)", parallel=True),
    Family("Phi3ForCausalLM", "Phi 3–4", "microsoft/phi-4-mini-instruct", "rotary", gated=True),
    Family(
        "LlamaForCausalLM", "Llama", "meta-llama/Llama-3.2-1B, HuggingFaceTB/SmolLM2-135M",
        "rotary", gated=True,
    ),
    Family(
        "MistralForCausalLM", "Mistral", "mistralai/Mistral-7B-v0.1", "rotary", window=True,
        gated=True,
    ),
    Family("GemmaForCausalLM", "Gemma", "google/gemma-2b", "rotary", gated=True),
    Family(
        "Gemma2ForCausalLM", "Gemma 2", "google/gemma-2-2b", "rotary", window=True, gated=True
    ),
    Family(
        "Gemma3ForCausalLM", "Gemma 3", "google/gemma-3-270m, google/gemma-3-1b-pt", "rotary",
        window=True, gated=True,
    ),
    Family("Qwen2ForCausalLM", "Qwen 2, 2.5", "Qwen/Qwen2.5-0.5B", "rotary", gated=True),
    Family("Qwen3ForCausalLM", "Qwen 3", "Qwen/Qwen3-0.6B-Base", "rotary", gated=True),
    Family("OlmoForCausalLM", "OLMo", "allenai/OLMo-1B-hf", "rotary", gated=True),
    Family("Olmo2ForCausalLM", "OLMo 2", "allenai/OLMo-2-0425-1B", "rotary", gated=True),
    Family(
        "MixtralForCausalLM", "Mixtral", "mistralai/Mixtral-8x7B-v0.1", "rotary",
        neurons=NO_EXPERTS,
    ),
    Family(
        "Qwen3MoeForCausalLM", "Qwen 3 MoE", "Qwen/Qwen3-30B-A3B-Base", "rotary",
        neurons=NO_EXPERTS,
    ),
)  # fmt: skip
BY_ARCHITECTURE = {family.architecture: family for family in FAMILIES}

_TOP_LEVEL = {
    "gpt2": "GPT2LMHeadModel",
    "gemma3_text": "Gemma3ForCausalLM",
}
_ENCODERS = ("bert", "electra", "deberta", "albert")
_MORE_THAN_TEXT_CONFIGS = ("vision_config", "audio_config")
_MORE = " (more than one stack, or more than text)"
_MORE_THAN_TEXT = ("Conditional", "T5", "Bart", "Marian", "Pegasus")


def architecture_of(config: Any) -> str:
    """The architecture that a Hugging Face configuration names, its head for text included."""
    named = list(getattr(config, "architectures", None) or [])
    known = next((name for name in named if name in BY_ARCHITECTURE), None)
    if known:
        return known
    kind = str(getattr(config, "model_type", ""))
    by_type = {family.architecture.removesuffix("ForCausalLM").lower(): family.architecture
               for family in FAMILIES}  # fmt: skip
    del by_type["gemma3"]  # the type of the Gemma 3 that sees; that of text alone is gemma3_text
    return _TOP_LEVEL.get(kind) or by_type.get(kind.replace("_", "")) or (named or [kind])[0]


def check_family(config: Any, name: str) -> Family:
    """The family of a configuration; ModelError for one that the labeler does not know."""
    architecture = architecture_of(config)
    family = BY_ARCHITECTURE.get(architecture)
    sees = any(getattr(config, part, None) for part in _MORE_THAN_TEXT_CONFIGS)
    if family is None or sees:
        why = _MORE if sees else _why_not(architecture)
        raise ModelError(
            f"model {name} is a {architecture or 'model of no architecture'}, which is not "
            f"supported{why}; supported are "
            + ", ".join(family.name for family in FAMILIES)
            + " (see `labeler models`)"
        )
    for branch in _BRANCHES:
        if branch.architecture == architecture and branch.grows(config):
            raise ModelError(
                f"model {name} is {branch.said}, which is not supported; {branch.instead}"
            )
    return family


@dataclass(frozen=True)
class _Branch:
    """Models of a family that TransformerLens cannot hold, told by their configuration."""

    architecture: str
    said: str
    grows: Callable[[Any], bool]
    instead: str = "others of its family are"


def _projected(config: Any) -> bool:
    """Whether an OPT's embeddings are of another width than its residual stream."""
    width = getattr(config, "hidden_size", None)
    return (getattr(config, "word_embed_proj_dim", None) or width) != width


_BRANCHES = (
    _Branch(
        "OPTForCausalLM",
        "an OPT without a final norm (as opt-350m)",
        lambda config: (
            not getattr(config, "do_layer_norm_before", True)
            or getattr(config, "_remove_final_layer_norm", False)
        ),
        "every other size of OPT is",
    ),
    _Branch(
        "OPTForCausalLM",
        "an OPT with projected embeddings (word_embed_proj_dim is not hidden_size)",
        _projected,
    ),
    _Branch(
        "FalconForCausalLM",
        "a Falcon of the newer architecture (as falcon-40b, falcon-11B and falcon-180B)",
        lambda config: getattr(config, "new_decoder_architecture", False),
        "falcon-7b and falcon-rw are, and Falcon 3, which is a Llama",
    ),
    _Branch(
        "PhiForCausalLM",
        "a Phi that normalises queries and keys (qk_layernorm)",
        lambda config: getattr(config, "qk_layernorm", False),
    ),
    _Branch(
        "GPTNeoXForCausalLM",
        "a GPT-NeoX without biases in its attention (attention_bias)",
        lambda config: not getattr(config, "attention_bias", True),
    ),
)


def _why_not(architecture: str) -> str:
    lower = architecture.lower()
    if any(part in lower for part in _ENCODERS):
        return " (an encoder reads both ways; the labeler's relations look back)"
    if any(part in architecture for part in _MORE_THAN_TEXT):
        return _MORE
    return ""


def neurons_left_out(architecture: str, d_mlp: int) -> str | None:
    """Why a run of this architecture has no neurons; None where it has them."""
    family = BY_ARCHITECTURE.get(architecture)
    if family is None or family.neurons == ALL or d_mlp:
        return None
    return (
        f"neurons are left out: the MLPs of a {family.name} are mixtures of experts, and which "
        "neurons a token meets is chosen anew for each token; its heads are labelled"
    )


_BEFORE = """# Models

Made by `labeler models --markdown`. Each row is held by `tests/models`: a small model of the \
architecture's own configuration, with random weights, is labelled end to end, its patterns equal \
those of eager Hugging Face attention to 1e-5, rebuilding its heads from their patterns leaves the \
logits alone, and a previous-token head planted in it is found.

"""
_AFTER = """
**Positions.** A text starts with the tokenizer's BOS token, where it has one. Where it has none \
(Qwen), *start of text* is the first token, a word like any other.

**The neuron.** Of a gated MLP, `mlp.hook_pre` is what the gate reads, before its activation \
function, `mlp.hook_pre_linear` what it lets through, and `mlp.hook_post` their product, which is \
what `W_out` multiplies. The labeler's neuron is always an entry of `mlp.hook_post`; its input \
direction (pairs of heads and neurons) is that of the gate.

**Windows.** In a layer that sees only so many keys back, every relation is cut to them, \
*anywhere* and the baseline too.

**Experts.** A mixture of experts has no neuron that every token meets: heads are labelled, \
neurons are not, also where some of the layers have a plain MLP.

**Encoders** (BERT and its kin) and models of two stacks (T5, BART) are refused: relations look \
back, and an encoder reads both ways. So are models that see or hear, such as the larger Gemma 3; \
TransformerLens would install packages for them.

**Branches of a family** that TransformerLens cannot hold are refused by their configuration: an \
OPT without a final norm (OPT-350m) or with projected embeddings, a Falcon of the newer \
architecture (40b, 11B, 180B), a Phi with `qk_layernorm`, a GPT-NeoX without biases in its \
attention. Whatever else TransformerLens does not know, as a GPT-2 without `scale_attn_weights`, \
is found out when the model is loaded: its logits are held against those of transformers.

**Long contexts.** Texts are split at 2,048 tokens, or where the context ends; `--max-tokens` \
sets another limit. Eager attention takes memory with the square of it.

**Loading.** Weights are read from safetensors; `--pickle` also takes `pytorch_model.bin`. \
Code that comes with a model is never run. What the memory is asked for is printed before the \
weights are read: parameters × bytes of `--dtype`, twice where neurons are compared with a \
re-initialised copy, and half a GiB; what does not fit is refused. So is a checkpoint whose \
weights are not those that its `config.json` asks for: some missing, named otherwise, of another \
shape, or of more layers; weights of other uses (a head for scores) are left alone. \
`--device-map auto` spreads a model over several GPUs (placement by accelerate). \
`--revision step1000` takes a checkpoint of a training run.
"""


def page() -> str:
    """docs/models.md."""
    columns = (
        *("family", "architecture", "for example", "positions", "layers with a window"),
        *("attention and MLP", "heads", "neurons", "a neuron is", "verify starts at a layer"),
    )
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for family in FAMILIES:
        cells = (
            family.name,
            f"`{family.architecture}`",
            family.examples,
            family.positions,
            "yes" if family.window else "no",
            "parallel" if family.parallel else "one after the other",
            "all",
            family.neurons,
            family.neuron_hook,
            "yes" if family.start_at_layer else "no",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return f"{_BEFORE}{chr(10).join(lines)}\n{_AFTER}"
