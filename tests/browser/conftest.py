"""Real Chromium on real report folders; in CI its absence is a failure, elsewhere a skip."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labeler.results import open_run
from reports.render import render
from tests.data.make_run_folder import make_run_folder
from tests.data.synthetic_heads import Size


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium: CI installs Debian's `chromium` before the tests")
        pytest.skip("no Chromium: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Watched:
    """A page with everything it said, asked for and stumbled over."""

    def __init__(self, context: Any) -> None:
        self.page = context.new_page()
        self.page.set_default_timeout(30_000)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))
        self.page.on("console", self._console)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def open(self, index: Path, place: str = "") -> Any:
        self.page.goto(index.as_uri() + place)
        return self.page


@pytest.fixture
def watched(browser: Any) -> Iterator[Watched]:
    """A page; whatever the test did, it asked only for files and complained of nothing."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    seen = Watched(context)
    yield seen
    context.close()
    assert seen.complaints == []
    assert [url for url in seen.requests if not url.startswith(("file:", "blob:", "data:"))] == []


def report_of(folder: Path, size: Size, **options: Any) -> Path:
    make_run_folder(folder, size)
    return render(open_run(folder), folder / "report", **options)


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report_of(tmp_path_factory.mktemp("plain"), Size(n_layers=2, n_heads=6, d_mlp=40))


@pytest.fixture
def folder(plain: Path, tmp_path: Path) -> Path:
    """The run folder of the plain report, without it, to be changed and reported on."""
    return shutil.copytree(
        plain.parents[1], tmp_path / "changed", ignore=shutil.ignore_patterns("report")
    )


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report_of(tmp_path_factory.mktemp("hostile"), Size(d_mlp=16, hostile=True))


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    size = Size(n_layers=12, n_heads=12, d_mlp=3072, evidence=1, wordy=True)
    return report_of(tmp_path_factory.mktemp("large"), size)
