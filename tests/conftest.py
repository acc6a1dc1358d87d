"""What every test has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Parses are kept with the other files of the tests, not among the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABELER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
