"""Texts in one array, stopping, threads, identity, what to install."""

from __future__ import annotations

import builtins
import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from labeler.config import Settings, load_settings
from labeler.corpus import Corpus, Prompt, shards
from labeler.engines import threads
from labeler.engines.identity import check_identity
from labeler.engines.ray import load_ray
from labeler.engines.stopping import SAID, stopping
from labeler.engines.texts import laid_out
from labeler.engines.threads import limited, with_engine, workers
from labeler.errors import ConfigError, EngineError

TEXTS = ("plain", "„Gänsefüßchen“ 🦆", "two\nlines\x00and a NUL", '"quoted" \\ back', "\u2028")


def test_shards_come_back_from_the_array_as_they_were():
    corpus = Corpus("texts", tuple(Prompt(f"p{i}", text) for i, text in enumerate(TEXTS)), {})
    cut = shards(corpus, 4, 2)
    texts, places = laid_out(cut)
    assert tuple(places.shard(texts, shard.id) for shard in cut) == cut
    assert texts.ndim == 1


def test_the_first_ctrl_c_asks_and_the_second_stops():
    said: list[str] = []
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), stopping(said.append) as stopped:
        assert not stopped()
        os.kill(os.getpid(), signal.SIGINT)
        assert stopped()
        assert said == [SAID]
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_outside_the_main_thread_nothing_is_heard():
    found: list[bool] = []

    def inside() -> None:
        with stopping(print) as stopped:
            found.append(stopped())

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert found == [False]


def test_threads_are_held_and_given_back():
    before = torch.get_num_threads()
    with limited(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("n_cores", [1, 2, 16])
def test_threads_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_cores: int):
    def chosen(**options: object) -> tuple[str, int | None]:
        given = {"out": tmp_path, "device": "cpu", **options}
        found = with_engine(load_settings(None, given))
        return found.engine, found.threads

    monkeypatch.setattr(threads, "cores", lambda: n_cores)
    one = n_cores == 1
    assert chosen() == (("serial", 1) if one else ("processes", 1))
    assert chosen(engine="serial") == ("serial", n_cores)
    assert chosen(engine="ray") == ("ray", 1)
    assert chosen(threads=7, engine="ray") == ("ray", 7)
    assert chosen(threads=n_cores) == ("serial", n_cores)  # no core is left for another process
    assert chosen(threads=5)[0] == ("processes" if n_cores == 16 else "serial")
    (tmp_path / "plan.json").write_text('{"threads": 5}')
    assert chosen(resume=True)[1] == 5  # the bits of the run that goes on
    assert chosen()[1] == 1
    (tmp_path / "plan.json").write_text('{"threads": "many"}')
    assert chosen(resume=True)[1] == 1


def test_cores_are_shared_out_among_processes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(threads, "cores", lambda: 16)
    made = Settings(engine="processes", threads=1, device="cpu")
    assert workers(made) == 16
    assert workers(replace(made, threads=5)) == 3
    assert workers(replace(made, workers=4)) == 4
    assert workers(replace(made, engine="serial")) == 1
    monkeypatch.setattr(threads, "can_fork", lambda: False)
    assert workers(made) == 1  # a run from another system is read here


def test_processes_that_cannot_be_are_an_error(monkeypatch: pytest.MonkeyPatch):
    asked = Settings(engine="processes", device="cpu")
    assert with_engine(asked).engine == "processes"
    monkeypatch.setattr(threads, "can_fork", lambda: False)
    with pytest.raises(ConfigError, match="needs a system that forks, such as Linux; leave"):
        with_engine(asked)
    assert with_engine(Settings(device="cpu")).engine == "serial"


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"address": "auto"}, "address goes with engine = 'ray'"),
        ({"engine": "serial", "workers": 2}, "engine 'serial' is one process; leave workers out"),
    ],
)
def test_options_that_an_engine_does_not_have_are_an_error(option: dict, said: str):
    with pytest.raises(ConfigError, match=said):
        load_settings(None, option)


def test_a_worker_that_differs_is_named_with_what_differs():
    same = {"model": "a", "torch": "2"}
    check_identity(same, same, "node-1")
    with pytest.raises(EngineError, match=r"worker on node-1 has another torch \(1\).*\(2\)"):
        check_identity({"model": "a", "torch": "1"}, same, "node-1")


def test_without_ray_the_command_that_installs_it_is_given(monkeypatch: pytest.MonkeyPatch):
    imported = builtins.__import__

    def without(name: str, *rest: object, **options: object) -> object:
        if name == "ray":
            raise ImportError(name)
        return imported(name, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.delitem(sys.modules, "ray", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(EngineError, match=r"pip install 'head-labeler\[ray\]'"):
        load_ray()
