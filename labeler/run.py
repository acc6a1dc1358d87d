"""The whole of it, in order: from settings to a run folder; the Python API."""

from __future__ import annotations

import platform
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from labeler import __version__, plugins
from labeler.config import Settings, load_settings
from labeler.engines.fold import fold_statistics
from labeler.engines.ray import load_ray
from labeler.engines.threads import limited, with_engine
from labeler.engines.undisturbed import undisturbed
from labeler.errors import ConfigError
from labeler.families import neurons_left_out
from labeler.folder import check_out, writing
from labeler.judge import Findings, judge
from labeler.judging import FOLDER
from labeler.near import near_copies, shared
from labeler.paths import local_path
from labeler.progress import Progress, Silent
from labeler.results import SCHEMA, RunFolder, open_run, write_atomic, write_json, write_table
from labeler.session import Session
from labeler.statistics import Statistics, summed


@dataclass(frozen=True)
class Run:
    """A finished labelling: tables as DataFrames, and its report."""

    folder: RunFolder

    @property
    def path(self) -> Path:
        """Where the run folder is."""
        return self.folder.path

    @property
    def heads(self) -> pd.DataFrame:
        """One row a head."""
        return self.folder.heads

    @property
    def neurons(self) -> pd.DataFrame:
        """One row a neuron."""
        return self.folder.neurons

    @property
    def predictions(self) -> pd.DataFrame:
        """Component × prediction, long."""
        return self.folder.predictions

    @property
    def headline(self) -> str:
        """The result in one sentence."""
        return str(self.folder.run["headline"])

    @property
    def headlines(self) -> list[str]:
        """The result, and after `verify` what running the labels costs."""
        return self.folder.headlines

    @property
    def warnings(self) -> list[str]:
        """What was left out, never fired or took long, and copies of texts, a line each."""
        run = self.folder.run
        model = run["model"]
        left_out = neurons_left_out(str(model["architecture"]), int(model["d_mlp"]))
        found = [left_out, near_copies(run["corpus"])]
        return [*filter(None, found), *plugins.warnings(run)]

    def verify(self, progress: Progress | bool | None = None, max_prompts: int = 150) -> Run:
        """Run the labels and measure the loss; the run with what that found."""
        from labeler.verification import verify

        with _shown(progress) as told, undisturbed():
            return Run(verify(self.path, told, max_prompts))

    def report(self, path: str | Path | None = None, single_file: bool = False) -> Path:
        """Write the HTML report, to `report` in the run unless told; the path of its index page."""
        from reports.render import render

        if path is not None and not isinstance(path, str | Path):
            raise ConfigError(
                f"path is of type {type(path).__name__}; expected the folder to write the report to"
            )
        out = local_path(path) if path else self.path / "report"
        return render(open_run(self.path), out, single_file)  # not what a caller made of tables

    def _repr_html_(self) -> str:
        shown = self.heads[["name", "confidence", "label", "r2"]]
        with pd.option_context("display.max_colwidth", None):  # a label in full
            table = shown.to_html(index=False, escape=True)
        return f"<p>{escape(self.headline)}</p>{table}"


def label(
    model: str | Path = "embedded",
    prompts: str | Path | Iterable[str] | None = None,
    out: str | Path | None = "runs/labels",
    progress: Progress | bool | None = None,
    **options: Any,
) -> Run:
    """Label every head and neuron of a model over prompts: texts, a file, a folder, or `hf:NAME`.

    Options are those of a configuration file of `labeler run`, thresholds included; None stands for
    the default. An existing run in `out` is replaced with `overwrite=True`. `progress=True` shows
    how far it is. Heuristics of a notebook or script take part with `plugin=["__main__"]`. Raises a
    LabelerError on anything that the caller can mend.
    """
    if not isinstance(model, str | Path):
        raise ConfigError(
            f"model is a {type(model).__name__}; expected a hub name or a folder: write it with "
            "save_pretrained, its tokenizer too, and give the folder"
        )
    given: dict[str, Any] = {"model": str(model), "out": out, **options}
    if isinstance(prompts, str | Path):
        if "corpus" in options:
            raise ConfigError("prompts and corpus exclude each other; give one of them")
        given["corpus"] = str(prompts)
    elif prompts is not None:
        given["prompts"] = _texts(prompts)
    settings = load_settings(None, given)
    with _shown(progress) as told, undisturbed():
        run = _anywhere(run_labels(settings, told).folder)
        return run.verify(told) if settings.verify else run


def load(path: str | Path) -> Run:
    """A run that was made before, by `label` or `labeler run`; RunFolderError where there is none.

    A URL is fetched into the cache.
    """
    from labeler.remote import run_path

    return _anywhere(open_run(run_path(path)))


def _anywhere(folder: RunFolder) -> Run:
    """The run is read when it is asked for tables, and the process may have gone elsewhere."""
    return Run(replace(folder, path=folder.path.absolute()))


def _texts(prompts: object) -> tuple[str, ...]:
    """Prompts given one by one; ConfigError where they are none. What is no text is told later."""
    if isinstance(prompts, pd.DataFrame):
        raise ConfigError(
            f"prompts is a table with the columns {', '.join(map(repr, prompts.columns))}; give "
            "the one that has the texts, as in prompts=table['text']"
        )
    if isinstance(prompts, bytes | Mapping) or not isinstance(prompts, Iterable):
        raise ConfigError(
            f"prompts is of type {type(prompts).__name__}; expected texts, as in ['A cat …'], "
            "or the name of a corpus"
        )
    # An array of texts has strings of numpy's own.
    texts = tuple(str(text) if isinstance(text, str) else text for text in prompts)
    if not texts:
        raise ConfigError("prompts is empty; expected at least one text, or leave it out")
    return texts


def _shown(progress: Progress | bool | None) -> AbstractContextManager[Progress | None]:
    if not isinstance(progress, bool):
        if not isinstance(progress, Progress | None):
            raise ConfigError(
                f"progress is of type {type(progress).__name__}; expected True, False, or what has "
                "the methods of labeler.progress.Progress"
            )
        return nullcontext(progress)
    from labeler.terminal import TerminalProgress, console

    return TerminalProgress(console(stderr=True)) if progress else nullcontext()


def run_labels(settings: Settings, progress: Progress | None = None) -> Run:
    """Label as `settings` say and write the run folder; all is checked before it is touched."""
    progress = progress or Silent()
    settings = with_engine(plugins.with_project(settings))
    if settings.engine == "ray":
        load_ray()
    with plugins.hinting(settings.keep_going), limited(settings.threads or 1):
        return _run(settings, progress)


def _run(settings: Settings, progress: Progress) -> Run:
    clock = _Clock()
    check_out(settings.out, settings.overwrite, settings.resume)
    progress.stage("load", 1, "model")
    session = Session(settings, progress)
    _ = session.pipeline.nlp if settings.spacy != "embedded" else None
    progress.advance()
    clock.lap("load")
    session.try_heuristics()
    with writing(settings.out, session.plan_file(), settings.resume):
        write_atomic(settings.out / "settings.toml", _asked(session).to_toml().encode())
        folds = fold_statistics(session, progress)
        clock.lap("score")
        findings = judge(session, folds, progress)
        clock.lap("judge")
        _write(session, folds, findings, clock)
        shutil.rmtree(settings.out / FOLDER, ignore_errors=True)
    return Run(open_run(settings.out))


def _asked(session: Session) -> Settings:
    """What to ask for to get this run again: standard input spelt out, no word on earlier runs."""
    settings = replace(session.settings, overwrite=False, resume=False)
    if settings.prompts or settings.corpus != "-":
        return settings
    return replace(settings, prompts=tuple(prompt.text for prompt in session.corpus.prompts))


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, name: str) -> None:
        """The time since the last lap goes to `name`."""
        now = time.perf_counter()
        self.seconds[name] = round(now - self._since, 2)
        self._since = now


def _write(
    session: Session, folds: Sequence[Statistics], findings: Findings, clock: _Clock
) -> None:
    out = session.settings.out
    for file, table in findings.tables.items():
        write_table(out, file, table)
    findings.write_showcase(out)
    clock.lap("write")
    write_json(out / "run.json", _facts(session, folds, findings, clock))


def _facts(
    session: Session, folds: Sequence[Statistics], findings: Findings, clock: _Clock
) -> dict[str, Any]:
    shape = session.model.shape
    rows = summed(folds, "rows")
    classes = session.vocabulary.classes
    return {
        "schema": SCHEMA,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {
            "labeler": __version__,
            "torch": torch.__version__,
            "transformer_lens": version("transformer_lens"),
            "spacy": version("spacy"),
            "python": platform.python_version(),
        },
        "model": {
            "name": session.model_name,
            "revision": session.settings.revision,
            "hash": session.model.fingerprint(),
            "architecture": shape.architecture,
            "n_layers": shape.n_layers,
            "n_heads": shape.n_heads,
            "d_model": shape.d_model,
            "d_head": shape.d_head,
            "d_mlp": shape.d_mlp,
            "n_ctx": shape.n_ctx,
            "vocabulary": shape.vocabulary,
            "has_bos": session.model.bos is not None,
        },
        "corpus": {
            "source": session.corpus.source,
            "hash": session.corpus.hash,
            "prompts": len(session.corpus),
            "tokens": int(sum(fold["tokens"][0] for fold in folds)),
            "folds": session.n_folds,
            "skipped": dict(session.corpus.skipped),
            "shared": shared(session.corpus.prompts, session.n_folds),
        },
        "pipeline": {
            "name": session.settings.spacy,
            "version": session.pipeline.version,
            "scheme": session.pipeline.scheme,
            "hash": session.pipeline.fingerprint,
        },
        "heuristics": [plugins.described(item) for item in session.heuristics],
        "heuristics_failed": [plugins.failed(error) for error in session.failed],
        "heuristics_unparsed": [item.name for item in session.unparsed],
        "heuristics_silent": plugins.silent(session.vocabulary, folds),
        "heuristics_slow": session.slow,
        "query_classes": [
            {"name": group.name, "wording": group.wording, "rows": int(rows[[*group.leaves]].sum())}
            for group in classes.groups
        ],
        "settings": session.settings.to_dict(),
        "counts": findings.counts,
        "headline": findings.headline,
        "figures": findings.figures,
        "replacement_curve": [],
        "seconds": clock.seconds,
    }
