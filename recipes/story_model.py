"""Train the embedded story model: one GPT-Neo layer of 16 heads, on a few thousand short stories.

Example:
    python recipes/story_model.py --train train.jsonl --valid valid.jsonl --out FOLDER --minutes 45
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import math
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn
from tqdm import tqdm
from transformers import GPTNeoConfig, GPTNeoForCausalLM, PreTrainedTokenizerFast

BOS = "<|bos|>"
BOS_ID = 0
MAX_POSITIONS = 512
N_HEADS = 16
KN_ORDER = 5
BFLOAT16 = any("bf16" in name and has for name, has in torch.cpu.get_capabilities().items())
"""Whether the processor multiplies in bfloat16; where it cannot, that is forty times slower."""
PROGRESS_LINE = "{percentage:5.1f}% |{bar:24}| {elapsed} gone, {remaining} left{postfix}"


@dataclass(frozen=True)
class Settings:
    """Everything that decides the result, apart from the two text files."""

    vocab_size: int
    d_model: int
    dropout: float
    batch_tokens: int
    matrix_lr: float
    embedding_lr: float
    weight_decay: float
    ema_decay: float
    seed: int


@dataclass(frozen=True)
class Budget:
    """How long to train, by the clock or by steps, and how often to save."""

    minutes: float | None
    steps: int | None
    save_seconds: float

    def spent(self, done: Mapping[str, float]) -> float:
        """Return the spent share of the budget, 0 at the start and 1 or more at the end."""
        if self.steps is not None:
            return done["steps"] / self.steps
        return done["seconds"] / 60 / (self.minutes or math.inf)


@dataclass(frozen=True)
class ScoredText:
    """Token ids, BOS first, and the number of characters that the ids after BOS cover."""

    ids: list[int]
    characters: int


class Muon(torch.optim.Optimizer):
    """Momentum whose every update is made orthogonal first (Jordan et al. 2024), for matrices."""

    def __init__(self, params: list[nn.Parameter], lr: float, weight_decay: float) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": 0.95})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take one step; `closure` is ignored."""
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is None:
                    continue
                momentum = self.state[param].setdefault("momentum", torch.zeros_like(param))
                momentum.lerp_(param.grad, 1 - group["momentum"])
                update = orthogonalised(param.grad.lerp(momentum, group["momentum"]))
                scale = math.sqrt(max(1.0, param.shape[0] / param.shape[1]))
                param.mul_(1 - group["lr"] * group["weight_decay"])
                param.add_(update, alpha=-group["lr"] * scale)


class TokenLoss(torch.autograd.Function):
    """Cross-entropy of each row in nats, in float32; a third of the memory traffic of torch's."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        """Return -log softmax(logits) at the targets."""
        probabilities = logits.float().softmax(-1)
        ctx.save_for_backward(probabilities, targets)
        return -probabilities.gather(1, targets[:, None])[:, 0].log()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Return (softmax - one-hot) times the gradient."""
        probabilities, targets = ctx.saved_tensors
        probabilities[torch.arange(len(targets)), targets] -= 1
        return probabilities.mul_(gradient[:, None]), None


def orthogonalised(matrix: Tensor, steps: int = 5) -> Tensor:
    """Return the matrix with its singular values brought near 1, by a Newton-Schulz iteration."""
    a, b, c = 3.4445, -4.7750, 2.0315
    lowered = matrix.bfloat16() if BFLOAT16 else matrix
    x = lowered if matrix.shape[0] <= matrix.shape[1] else lowered.T
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x if matrix.shape[0] <= matrix.shape[1] else x.T).to(matrix.dtype)


def read_texts(path: Path) -> list[str]:
    """Read the `text` fields of a JSON Lines file."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines if line.strip()]


def train_tokenizer(texts: list[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer that adds nothing by itself; BOS is token 0."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[BOS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        # As in GPT-2's; TransformerLens would add a token beyond the vocabulary to pad with.
        eos_token=BOS,
        clean_up_tokenization_spaces=False,
        model_max_length=MAX_POSITIONS,
    )


def encode(tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> list[ScoredText]:
    """Encode each text with BOS before it, cut to the model's positions between two characters."""
    scored = []
    for encoding in tokenizer.backend_tokenizer.encode_batch(texts, add_special_tokens=False):
        kept, offsets = len(encoding.ids), encoding.offsets
        if kept > MAX_POSITIONS - 1:
            kept = MAX_POSITIONS - 1
            # Two byte tokens of one character have the same offsets; keep both or neither.
            while offsets[kept][0] < offsets[kept - 1][1]:
                kept -= 1
        characters = offsets[kept - 1][1] if kept else 0
        scored.append(ScoredText([BOS_ID, *encoding.ids[:kept]], characters))
    return scored


def new_model(settings: Settings) -> GPTNeoForCausalLM:
    """Build the untrained model; residual writers start at zero, so that training starts calm."""
    torch.manual_seed(settings.seed)
    config = GPTNeoConfig(
        vocab_size=settings.vocab_size,
        hidden_size=settings.d_model,
        num_layers=1,
        num_heads=N_HEADS,
        attention_types=[[["global"], 1]],
        max_position_embeddings=MAX_POSITIONS,
        activation_function="gelu_new",
        attention_dropout=0.0,
        embed_dropout=0.0,
        resid_dropout=0.0,
        bos_token_id=BOS_ID,
        eos_token_id=None,
        tie_word_embeddings=True,
    )
    model = GPTNeoForCausalLM(config)
    block = model.transformer.h[0]
    for name in ("k_proj", "v_proj", "q_proj"):
        nn.init.normal_(getattr(block.attn.attention, name).weight, std=settings.d_model**-0.5 / 2)
    nn.init.normal_(block.mlp.c_fc.weight, std=settings.d_model**-0.5)
    nn.init.zeros_(block.attn.attention.out_proj.weight)
    nn.init.zeros_(block.mlp.c_proj.weight)
    return model


def token_losses(model: GPTNeoForCausalLM, ids: Tensor, dropout: float = 0.0) -> Tensor:
    """Return the loss in nats of each token after BOS, padding (-1) left out, in reading order.

    The same function of the weights as GPTNeoForCausalLM, without its overhead.
    """
    inputs, targets = ids[:, :-1], ids[:, 1:]
    body: Any = model.transformer
    block = body.h[0]
    attention: Any = block.attn.attention
    batch, length = inputs.shape

    def split(x: Tensor) -> Tensor:
        return x.view(batch, length, N_HEADS, -1).transpose(1, 2).float()

    positions = torch.arange(length)
    residual = body.wte(inputs.clamp(min=0)) + body.wpe(positions)
    residual = F.dropout(residual, dropout, dropout > 0)
    normed = block.ln_1(residual)
    query, key, value = (
        split(p(normed)) for p in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    # GPT-Neo does not divide the attention scores by the root of the head size.
    mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True, scale=1.0)
    written = attention.out_proj(mixed.transpose(1, 2).reshape(batch, length, -1))
    residual = (residual + F.dropout(written, dropout, dropout > 0))[targets >= 0]
    hidden = F.gelu(block.mlp.c_fc(block.ln_2(residual)), approximate="tanh")
    residual = residual + F.dropout(block.mlp.c_proj(hidden), dropout, dropout > 0)
    logits = model.lm_head(body.ln_f(residual))
    return TokenLoss.apply(logits, targets[targets >= 0])


def batches(stories: list[list[int]], batch_tokens: int, seed: int) -> Iterator[Tensor]:
    """Yield one epoch of padded batches (padding is -1), stories of like length together."""
    shuffler = random.Random(seed)
    order = sorted(stories, key=lambda ids: len(ids) * shuffler.uniform(0.9, 1.1))
    groups: list[list[list[int]]] = [[]]
    for ids in order:
        longest = max([len(ids), *(len(other) for other in groups[-1])])
        if groups[-1] and longest * (len(groups[-1]) + 1) > batch_tokens:
            groups.append([])
        groups[-1].append(ids)
    shuffler.shuffle(groups)
    for group in groups:
        padded = torch.full((len(group), max(map(len, group))), -1)
        for row, ids in enumerate(group):
            padded[row, : len(ids)] = torch.tensor(ids)
        yield padded


@torch.no_grad()
def model_bits_per_character(model: GPTNeoForCausalLM, texts: list[ScoredText]) -> float:
    """Return the bits a character, in float32: all tokens given those before, BOS given."""
    nats = sum(
        token_losses(model, batch).double().sum().item()
        for batch in batches([text.ids for text in texts], 8192, seed=0)
    )
    return nats / math.log(2) / sum(text.characters for text in texts)


def ngram_keys(texts: list[ScoredText], vocab_size: int) -> NDArray[np.int64]:
    """Return one column a scored token and KN_ORDER rows; row n-1 holds its n-gram as a number."""
    bits = (vocab_size - 1).bit_length()
    if bits * KN_ORDER > 63:
        raise ValueError(f"vocab_size {vocab_size}: {KN_ORDER}-grams do not fit into 64 bits")
    stream = np.concatenate([[BOS_ID] * (KN_ORDER - 2) + text.ids for text in texts])
    scored = np.concatenate([[0] * (KN_ORDER - 1) + [1] * (len(t.ids) - 1) for t in texts])
    ends = np.flatnonzero(scored)
    rows = [stream[ends].astype(np.int64)]
    for back in range(1, KN_ORDER):
        rows.append(rows[-1] + (stream[ends - back].astype(np.int64) << (bits * back)))
    return np.stack(rows)


def kneser_ney_bits_per_character(
    train: list[ScoredText], valid: list[ScoredText], vocab_size: int
) -> float:
    """Return the bits a character of an interpolated Kneser-Ney 5-gram over the same tokens."""
    bits = (vocab_size - 1).bit_length()
    seen, asked = ngram_keys(train, vocab_size), ngram_keys(valid, vocab_size)
    probability = np.full(asked.shape[1], 1.0 / vocab_size)
    for n in range(1, KN_ORDER + 1):
        grams, counts = np.unique(seen[n - 1], return_counts=True)
        if n < KN_ORDER:
            # Lower orders count the different tokens seen before, not the occurrences.
            left = np.unique(seen[n]) & ((1 << (bits * n)) - 1)
            grams, counts = np.unique(left, return_counts=True)
        ones, twos = (counts == 1).sum(), (counts == 2).sum()
        discount = ones / (ones + 2 * twos)
        contexts, context_of, types = np.unique(
            grams >> bits, return_inverse=True, return_counts=True
        )
        totals = np.bincount(context_of, weights=counts)
        gram_count = look_up(grams, counts, asked[n - 1])
        total = look_up(contexts, totals, asked[n - 1] >> bits)
        kinds = look_up(contexts, types, asked[n - 1] >> bits)
        known = total > 0
        mixed = np.maximum(gram_count - discount, 0) + discount * kinds * probability
        probability[known] = mixed[known] / total[known]
    return float(-np.log2(probability).sum() / sum(text.characters for text in valid))


def look_up(
    keys: NDArray[np.int64], values: NDArray[np.generic], asked: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the value of each asked key, 0 where the sorted `keys` do not hold it."""
    at = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    return np.where(keys[at] == asked, values[at].astype(np.float64), 0.0)


class Run:
    """A training run: the model, its averaged weights, the optimisers, and how far it has come."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.model = settings, new_model(settings)
        matrices = [p for p in self.model.transformer.h.parameters() if p.ndim == 2]
        chosen = {id(p) for p in matrices}
        others = [p for p in self.model.parameters() if id(p) not in chosen]
        self.optimizers: list[torch.optim.Optimizer] = [
            Muon(matrices, settings.matrix_lr, settings.weight_decay),
            torch.optim.AdamW(others, settings.embedding_lr, betas=(0.9, 0.98), weight_decay=0.0),
        ]
        self.averaged = {name: p.detach().clone() for name, p in self.model.named_parameters()}
        self.done = {"steps": 0, "tokens": 0, "epoch": 0, "batch": 0, "seconds": 0.0}

    def train_step(self, batch: Tensor, progress: float) -> float:
        """Take one step, `progress` of the way from 0 to 1, and return its nats a token."""
        steps = self.done["steps"]
        factor = min(1.0, (steps + 1) / 100) * max(0.0, 1 - progress)
        with torch.autocast("cpu", torch.bfloat16, enabled=BFLOAT16):
            losses = token_losses(self.model, batch, self.settings.dropout)
        losses.mean().backward()
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group.setdefault("peak", group["lr"]) * factor
            optimizer.step()
            optimizer.zero_grad()
        decay = min(self.settings.ema_decay, steps / (steps + 10))
        for name, param in self.model.named_parameters():
            self.averaged[name].lerp_(param.detach(), 1 - decay)
        self.done["steps"] += 1
        self.done["batch"] += 1
        self.done["tokens"] += losses.numel()
        return losses.mean().item()

    def epoch_batches(self, stories: list[list[int]]) -> Iterator[Tensor]:
        """Yield batches without end, from where the run stands."""
        while True:
            seed = self.settings.seed * 1_000_003 + int(self.done["epoch"])
            epoch = batches(stories, self.settings.batch_tokens, seed)
            yield from itertools.islice(epoch, int(self.done["batch"]), None)
            self.done["epoch"] += 1
            self.done["batch"] = 0

    def average_model(self) -> GPTNeoForCausalLM:
        """Return a model with the averaged weights."""
        model = copy.deepcopy(self.model)
        model.load_state_dict(self.averaged, strict=False)
        return model

    def save(self, path: Path) -> None:
        """Write everything needed to go on, whole or not at all."""
        state = {
            "model": self.model.state_dict(),
            "averaged": self.averaged,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "done": self.done,
            "random": torch.get_rng_state(),
        }
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)

    def load(self, path: Path) -> None:
        """Go on from what `save` wrote."""
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.averaged, self.done = state["averaged"], state["done"]
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        torch.set_rng_state(state["random"])


def train(
    run: Run, stories: list[list[int]], budget: Budget, save_model: Callable[[], None]
) -> None:
    """Train until the budget is spent or Ctrl-C, saving every few minutes."""
    started = last_saved = time.monotonic()
    before = run.done["seconds"]
    share = 100 * budget.spent(run.done)
    with tqdm(total=100, initial=share, bar_format=PROGRESS_LINE) as line:
        try:
            for batch in run.epoch_batches(stories):
                progress = budget.spent(run.done)
                if progress >= 1:
                    break
                nats = run.train_step(batch, progress)
                now = time.monotonic()
                run.done["seconds"] = before + now - started
                line.n = 100 * min(1.0, budget.spent(run.done))
                rate = run.done["tokens"] / run.done["seconds"]
                line.set_postfix_str(f"{nats:.3f} nats/token, {rate:,.0f} tokens/s")
                if now - last_saved > budget.save_seconds:
                    save_model()
                    last_saved = time.monotonic()
        except KeyboardInterrupt:
            tqdm.write("Interrupted: keeping what is trained so far.")
    save_model()


def save_folder(model: GPTNeoForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write the Hugging Face folder; files are replaced one by one, each whole."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        model.save_pretrained(scratch)
        tokenizer.save_pretrained(scratch)
        # The name that transformers 4 knows as well as 5.
        config_file = Path(scratch, "tokenizer_config.json")
        config = json.loads(config_file.read_text(encoding="utf-8"))
        config["tokenizer_class"] = "PreTrainedTokenizerFast"
        config_file.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        for file in Path(scratch).iterdir():
            file.chmod(0o644)
            file.replace(folder / file.name)


def reported(
    folder: Path, run: Run, train_texts: list[ScoredText], valid_texts: list[ScoredText]
) -> dict[str, object]:
    """Measure what was saved, write it to `training.json` in the folder, and return it."""
    model = GPTNeoForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    vocab_size = run.settings.vocab_size
    result = {
        "bits_per_character": round(model_bits_per_character(model, valid_texts), 4),
        "kneser_ney_5gram_bits_per_character": round(
            kneser_ney_bits_per_character(train_texts, valid_texts, vocab_size), 4
        ),
        "valid_characters": sum(text.characters for text in valid_texts),
        "valid_tokens": sum(len(text.ids) - 1 for text in valid_texts),
        "train_tokens": sum(len(text.ids) - 1 for text in train_texts),
        "parameters": sum(p.numel() for p in model.parameters()),
        "trained": run.done | {"seconds": round(run.done["seconds"])},
        "settings": asdict(run.settings),
    }
    (folder / "training.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--train", type=Path, required=True, help='JSON Lines of {"text": ...}')
    parser.add_argument("--valid", type=Path, required=True, help="the same, to measure on")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument("--minutes", type=float, help="how long to train, by the clock")
    budget.add_argument("--steps", type=int, help="how many steps to train (reproducible)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--save-minutes", type=float, default=5.0, help="time between checkpoints")
    parser.add_argument("--resume", action="store_true", help="go on from OUT.checkpoint")
    parser.add_argument("--vocab-size", type=int, default=4096)
    parser.add_argument("--d-model", type=int, default=256)
    parser.add_argument("--dropout", type=float, default=0.05)
    parser.add_argument("--batch-tokens", type=int, default=2048, help="padding included")
    parser.add_argument("--matrix-lr", type=float, default=0.02, help="Muon's peak")
    parser.add_argument("--embedding-lr", type=float, default=0.004, help="AdamW's peak")
    parser.add_argument("--weight-decay", type=float, default=0.1, help="on the matrices")
    parser.add_argument("--ema-decay", type=float, default=0.98, help="of the averaged weights")
    return parser.parse_args()


def main() -> None:
    """Train, save and measure."""
    args = arguments()
    torch.set_num_threads(args.threads)
    settings = Settings(**{name: getattr(args, name) for name in Settings.__dataclass_fields__})
    texts = read_texts(args.train)
    tokenizer = train_tokenizer(texts, settings.vocab_size)
    train_texts = encode(tokenizer, texts)
    valid_texts = encode(tokenizer, read_texts(args.valid))
    args.out.mkdir(parents=True, exist_ok=True)
    # Beside the folder, not in it: the folder is shipped as it is.
    checkpoint = args.out.with_name(args.out.name + ".checkpoint")
    run = Run(settings)
    if args.resume:
        run.load(checkpoint)

    def save() -> None:
        run.save(checkpoint)
        save_folder(run.average_model(), tokenizer, args.out)

    budget = Budget(args.minutes, args.steps, args.save_minutes * 60)
    train(run, [text.ids for text in train_texts], budget, save)
    print(json.dumps(reported(args.out, run, train_texts, valid_texts), indent=2))


if __name__ == "__main__":
    main()
