"""Peak memory of a whole run over few and over many prompts: is it flat in the corpus?

    python -m benchmarks.memory [--few 500] [--many 10000]

Prompts are pairs of sentences of the embedded corpus, so that any number can be had; every run is a
process of its own, and its peak is the operating system's figure, as is that of the largest of the
processes that score for it (which share with it what was loaded before they were forked).
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from labeler.corpus import read_corpus

RUN = """
import resource, sys
from pathlib import Path
from labeler.config import load_settings
from labeler.run import run_labels
run_labels(load_settings(None, {"corpus": sys.argv[1], "out": Path(sys.argv[2])}))
both = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
print(*[resource.getrusage(who).ru_maxrss for who in both])
"""


def prompts(count: int) -> list[str]:
    """So many different prompts of two sentences each."""
    stories = (prompt.text for prompt in read_corpus("stories").prompts)
    found = [s for story in stories for s in re.split(r"(?<=[.!?])\s+(?=[A-Z])", story)]
    sentences = sorted({sentence for sentence in found if 20 < len(sentence) < 120})
    steps = itertools.count(1)
    pairs = ((a, step) for step in steps for a in range(len(sentences)))
    return [
        f"{sentences[a]} {sentences[(a + 7 * step) % len(sentences)]}"
        for a, step in itertools.islice(pairs, count)
    ]


def peak(count: int) -> tuple[float, float, float]:
    """Peak resident memory in MiB of a run over so many prompts, and of a worker; its seconds."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "prompts.jsonl"
        lines = (json.dumps({"text": text}) for text in prompts(count))
        corpus.write_text("\n".join(lines), encoding="utf-8")
        command = [sys.executable, "-c", RUN, str(corpus), str(Path(folder) / "run")]
        start = time.perf_counter()
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        own, worker = (int(kib) / 1024 for kib in done.stdout.split()[-2:])
        return own, worker, time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=500)
    parser.add_argument("--many", type=int, default=10_000)
    asked = parser.parse_args()
    found = {count: peak(count) for count in (asked.few, asked.many)}
    for count, (own, worker, seconds) in found.items():
        print(f"{count:7,} prompts  {own:7.0f} MiB, workers {worker:5.0f}  {seconds:6.0f} s")
    own, worker = (found[asked.many][i] / found[asked.few][i] for i in range(2))
    print(f"many / few: {own:.3f}, workers {worker:.3f}")


if __name__ == "__main__":
    main()
