"""What third-party relations cost in a run beside the built-ins: milliseconds each.

    python -m benchmarks.plugins [--prompts 48] [--rounds 3]

Three hundred relations in four usual styles are put beside the built-ins. Timed is the whole first
pass (texts from cached parses, every heuristic, the model, the sums) in processor time on one
thread; medians of rounds in turn. The ratio is that of what each relation of a plugin adds to what
each built-in costs in a run without any.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence

import torch

from heuristics import Heuristic, Text, feature, load_heuristics, relation
from heuristics.lifts import lifted
from labeler.config import Settings
from labeler.prepare import build_vocabulary, prepare
from labeler.score import score_shard
from labeler.session import Session

LETTERS = "abcdefghijklmnoprstuwy"


@feature("bench list {n}", lifts=("nearest", "every"), n=range(50))
def word_list(text: Text, n: int):  # noqa: ANN201 - as an author writes it
    """A word list."""
    return text.matches({"the", "ball", "cat", LETTERS[n % len(LETTERS)], f"word{n}"})


@relation("bench back {n}", n=range(100))
def back(text: Text, n: int):  # noqa: ANN201
    """A dense matrix of truth values."""
    return text.query - text.key == n + 5


@relation("bench compared {n}", n=range(50))
def compared(text: Text, n: int):  # noqa: ANN201
    """Words compared as strings, all with all."""
    return (text.words[:, None] == text.words[None, :]) & (text.query - text.key > n)


@relation("bench same {n}", n=range(50))
def same(text: Text, n: int):  # noqa: ANN201
    """The same by `text.same`."""
    return text.same(text.words) & (text.query - text.key > n)


STYLES = {
    "nearest and every of word lists": [x for item in word_list for x in lifted(item)],
    "dense, by position": list(back),
    "dense, strings compared": list(compared),
    "dense, text.same": list(same),
}


class Bench:
    """The first pass over the same texts with any set of heuristics."""

    def __init__(self, prompts: int) -> None:
        self.session = Session(Settings(max_prompts=prompts))
        self.built_in = [item for item in load_heuristics() if item.built_in]

    def texts(self) -> list[Text]:
        """Texts that nothing was asked of yet."""
        shards = self.session.shards
        return [text for shard in shards for text in self.session.texts(shard.prompts)]

    def seconds(self, added: Sequence[Heuristic]) -> float:
        """Processor time of one pass with these beside the built-ins."""
        vocabulary = build_vocabulary([*self.built_in, *added], self.texts())
        texts = self.texts()
        began = time.process_time()
        items = [prepare(text, vocabulary, self.session.model.shape.kinds) for text in texts]
        score_shard(items, self.session.model, vocabulary)
        return time.process_time() - began


def main() -> None:
    """Print a row a style and one for all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    bench = Bench(asked.prompts)
    sets = {"none": [], **STYLES, "all": [item for own in STYLES.values() for item in own]}
    taken: dict[str, list[float]] = {name: [] for name in sets}
    bench.seconds([])
    for _ in range(asked.rounds):
        for name, added in sets.items():
            taken[name].append(bench.seconds(added))
    alone = statistics.median(taken["none"])
    n_built_in = sum(item.kind == "relation" for item in bench.built_in)
    each = alone / n_built_in
    print(f"built-ins alone: {alone:.2f} s, {each * 1e3:.1f} ms for each of {n_built_in} relations")
    for name, added in sets.items():
        if added:
            more = (statistics.median(taken[name]) - alone) / len(added)
            print(f"{len(added):4} {name}: {more * 1e3:.1f} ms each, {more / each:.2f} times")


if __name__ == "__main__":
    main()
