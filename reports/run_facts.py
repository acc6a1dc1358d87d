"""What a reader needs to know of a run: model, corpus, versions, settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.wording import count, sentence, significant

_FIRST = {
    name: place
    for place, name in enumerate(("name", "source", "hash", "architecture", "prompts", "tokens"))
}

_HERE = {"out", "overwrite", "resume", "plugin"}
"""Settings that say where and how often it ran: nothing to whom a report is sent needs to know."""


def facts(run: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Groups of (name, value) about the run."""
    model, corpus = run.get("model", {}), run.get("corpus", {})
    skipped = {_left_out(k): v for k, v in (corpus.get("skipped") or {}).items()}
    corpus = {k: v for k, v in corpus.items() if k != "skipped"} | skipped
    settings = _settings(run)
    groups = {
        "Model": model,
        "Corpus": corpus,
        "Pipeline": run.get("pipeline", {}),
        "Plugins": _plugins(run),
        "Versions": run.get("versions", {}),
        "Settings": {k: v for k, v in settings.items() if k != "thresholds"},
        "Thresholds": settings.get("thresholds") or {},
        "Seconds": run.get("seconds", {}),
        "Run": {"created": run.get("created")},
    }
    return [
        (title, [(sentence(k), _fact(v)) for k, v in _flat(group)])
        for title, group in groups.items()
        if group
    ]


def _left_out(reason: str) -> str:
    """A reason of `skipped`, said as it is: a long text is split or cut, and not skipped."""
    long = reason.startswith(("split at ", "cut at "))
    return f"{reason} tokens" if long else f"skipped, {reason}"


def _settings(run: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked for: prompts as their option is named, and verification if there was one."""
    found = {k: v for k, v in (run.get("settings") or {}).items() if k not in _HERE}
    if prompts := found.pop("prompts", None):
        found["prompt"] = prompts
    if found.get("verify") and not run.get("replacement_curve"):
        found["verify"] = "asked for, not finished"
    return found


def _plugins(run: Mapping[str, Any]) -> dict[str, str]:
    """Where heuristics came from that are not built in, and what of them never fired or is slow."""
    found: dict[str, str] = {}
    for item in run.get("heuristics", []):
        module = str(item.get("module", ""))
        if module and not module.startswith("heuristics."):
            parts = (item.get("package"), item.get("version"), item.get("hash"))
            found[module] = " ".join(str(part) for part in parts if part)
    unparsed = len(run.get("heuristics_unparsed", []))
    if unparsed:
        found["left out"] = f"{unparsed} heuristics that use the parse: the pipeline has none"
    for item in run.get("heuristics_silent", []):
        found[f"{item['kind']} {item['name']}"] = "never fired on this corpus"
    for item in run.get("heuristics_slow", []):
        cost = f"{item['ms_per_1000_tokens']:,} ms per 1,000 tokens"
        found[f"{item['kind']} {item['name']}, cost"] = cost
    return found


def _flat(group: Mapping[str, Any]) -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in sorted(group.items(), key=lambda item: _FIRST.get(item[0], len(_FIRST))):
        if isinstance(value, Mapping):
            rows += [(f"{key}: {inner}", found) for inner, found in _flat(value)]
        else:
            rows.append((str(key), value))
    return rows


def _fact(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return count(value)
    if isinstance(value, float):
        return significant(value)
    if isinstance(value, list | tuple):
        return sentence(", ".join(str(item) for item in value)) or "none"
    return sentence(value) or "–"
