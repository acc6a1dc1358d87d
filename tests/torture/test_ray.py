"""Ray and the serial engine agree bit for bit, whatever dies on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from labeler.run import run_labels

from . import deaths
from .small import contents, small_run

pytest.importorskip("ray")


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABELER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def test_a_killed_worker_and_a_removed_node_change_nothing(tmp_path: Path):
    serial = contents(run_labels(small_run(tmp_path, out=tmp_path / "serial")).path)
    shards = [name for name in serial if name.startswith("statistics/")]
    assert len(shards) >= 8
    marks = tmp_path / "marks"
    with deaths.two_nodes(marks) as (cluster, second):
        run, attempts = deaths.disturbed(
            tmp_path, marks, lambda: deaths.kill_a_worker(marks), "worker-death"
        )
        assert contents(run.path) == serial
        assert attempts > len(shards)
        run, attempts = deaths.disturbed(
            tmp_path, marks, lambda: deaths.remove_node(cluster, second, marks), "node-death"
        )
        assert contents(run.path) == serial
        assert attempts > len(shards)
