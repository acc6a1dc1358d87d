"""A small run folder on disk, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from labeler.results import RunFolder, open_run
from tests.data.make_run_folder import make_run_folder
from tests.data.synthetic_heads import Size


@pytest.fixture(scope="session")
def run_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run_folder(tmp_path_factory.mktemp("run"), Size(2, 4, 24))


@pytest.fixture
def run(run_path: Path) -> RunFolder:
    return open_run(run_path)
