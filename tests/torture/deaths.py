"""Workers and nodes that die while they score; the run must not notice, but for the attempts."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labeler.engines import ray as ray_engine
from labeler.engines.ray import Actor, load_ray
from labeler.run import Run, run_labels
from tests.torture.small import small_run

MARKS = "LABELER_TEST_MARKS"
SLOWLY = 0.3
PATIENCE = 180.0


class SlowActor(Actor):
    """An actor that says when it begins a shard, and then takes its time."""

    def answer(self, shard: str) -> bytes:
        """Leave a mark named after the node, the process and the shard."""
        import ray

        node = ray.get_runtime_context().get_node_id()
        path = Path(os.environ[MARKS]) / f"{node}.{os.getpid()}.{shard}.{time.time_ns()}"
        path.touch()
        time.sleep(SLOWLY)
        return super().answer(shard)


def begun(marks: Path, node: str = "") -> list[str]:
    """Marks of shards that were begun, on one node or on all."""
    return sorted(path.name for path in marks.iterdir() if path.name.startswith(node))


def await_begun(marks: Path, node: str = "") -> str:
    """The first mark of a shard that is begun there from now on."""
    known, until = set(begun(marks, node)), time.monotonic() + PATIENCE
    while time.monotonic() < until:
        new = set(begun(marks, node)) - known
        if new:
            return min(new)
        time.sleep(0.01)
    raise TimeoutError(f"nothing was begun on {node or 'any node'}")


@contextmanager
def two_nodes(marks: Path) -> Iterator[tuple[Any, Any]]:
    """A cluster of two nodes of a core each; the second may be removed."""
    ray = load_ray()
    from ray.cluster_utils import Cluster

    marks.mkdir(parents=True, exist_ok=True)
    os.environ[MARKS] = str(marks)  # inherited by the workers
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
    )
    try:
        second = cluster.add_node(num_cpus=1)
        ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
        yield cluster, second
    finally:
        ray.shutdown()
        cluster.shutdown()
        del os.environ[MARKS]


@contextmanager
def slow_actors() -> Iterator[None]:
    """Have the engine use `SlowActor`, which workers are sent by value."""
    import sys

    from ray import cloudpickle

    module = sys.modules[SlowActor.__module__]
    cloudpickle.register_pickle_by_value(module)
    ray_engine.Actor = SlowActor  # type: ignore[misc]
    try:
        yield
    finally:
        ray_engine.Actor = Actor  # type: ignore[misc]
        cloudpickle.unregister_pickle_by_value(module)


def disturbed(folder: Path, marks: Path, deed: Callable[[], None], name: str) -> tuple[Run, int]:
    """A run under Ray during which `deed` happens, and how often a shard was begun in it."""
    before = len(begun(marks))
    failed: list[BaseException] = []

    def act() -> None:
        try:
            deed()
        except BaseException as error:  # noqa: BLE001 - told to the test below
            failed.append(error)

    thread = threading.Thread(target=act)
    thread.start()
    try:
        with slow_actors():
            run = run_labels(small_run(folder, out=folder / name, engine="ray"))
    finally:
        thread.join()
    if failed:
        raise failed[0]
    return run, len(begun(marks)) - before


def kill_a_worker(marks: Path) -> None:
    """SIGKILL the process of a worker that has just begun a shard."""
    os.kill(int(await_begun(marks).split(".")[1]), signal.SIGKILL)


def remove_node(cluster: Any, node: Any, marks: Path) -> None:
    """Take a node away that has just begun a shard."""
    await_begun(marks, node.node_id)
    cluster.remove_node(node, allow_graceful=False)


def node_death(folder: Path, name: str = "node-death") -> tuple[Path, int, int]:
    """One run during which a node dies: its folder, how many shards it has, and attempts."""
    marks = folder / "marks"
    with two_nodes(marks) as (cluster, second):
        run, attempts = disturbed(folder, marks, lambda: remove_node(cluster, second, marks), name)
    return run.path, len(list((run.path / "statistics").glob("*.bin"))), attempts
