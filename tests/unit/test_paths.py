"""`~` is the user's home in whatever may be a path, in a settings file as on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from labeler.cli import main
from labeler.config import load_settings
from labeler.errors import ConfigError
from labeler.paths import at_home, local_path
from labeler.run import load
from tests.data.make_run_folder import make_run_folder
from tests.data.synthetic_heads import Size

NOBODY = "~nobody-of-this-name"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def test_only_what_begins_with_it_is_spelt_out(home: Path):
    assert local_path("~/runs/a") == home / "runs" / "a"
    for name in ("gpt2", "org/model~1", "./~/a", "hf:x", "-", "a//b", "~backup.txt"):
        assert at_home(name) == name


def test_a_home_that_there_is_not_is_no_new_folder(home: Path):
    with pytest.raises(ConfigError, match=f"^{NOBODY}/x: there is no home folder {NOBODY}; give"):
        at_home(f"{NOBODY}/x")
    Path(NOBODY).mkdir()
    assert at_home(f"{NOBODY}/x") == f"{NOBODY}/x"


def test_in_settings_files_and_options_alike(home: Path):
    file = home / "settings.toml"
    file.write_text('out = "~/run"\ncorpus = "~/a.txt"\nplugin = ["~/b.py", "module"]\n')
    found = load_settings(file, {"model": "~/model", "spacy": "~/pipeline"})
    assert found.out == home / "run"
    assert [found.corpus, found.model, found.spacy] == [
        str(home / name) for name in ("a.txt", "model", "pipeline")
    ]
    assert found.plugin == (str(home / "b.py"), "module")


def test_texts_are_left_as_they_are(home: Path):
    prompts = ("~/is a path", "~")
    assert load_settings(None, {"prompts": prompts, "without": ["~/x"]}).prompts == prompts


def test_a_run_is_read_and_written_to_where_it_says(home: Path, capsys: pytest.CaptureFixture[str]):
    make_run_folder(home / "run", Size(1, 2, 4))
    assert load("~/run").path == home / "run"
    for command in ("report ~/run --out=~/report", "export ~/run --out=~/heads.md"):
        with pytest.raises(SystemExit) as ended:
            main(command.split())
        assert ended.value.code == 0
    assert (home / "report" / "index.html").is_file()
    assert (home / "heads.md").is_file()
    with pytest.raises(SystemExit) as ended:
        main(["report", "~/run", f"--out={NOBODY}/x"])
    assert ended.value.code == 2
    said = capsys.readouterr().err.splitlines()
    assert said == [f"labeler: {NOBODY}/x: there is no home folder {NOBODY}; give the path in full"]
