"""Readers' files merged into a run folder: the latest of each reader counts, nothing is lost."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from labeler.errors import RunFolderError
from labeler.reader_cli import _conflicts, _summary
from labeler.results import open_run
from labeler.review import VERDICTS, Conflict, Merged, merge_review
from reports.reviewed import verdicts, worded
from tests.data.make_run_folder import make_run_folder
from tests.data.synthetic_heads import Size


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run_folder(tmp_path_factory.mktemp("run"), Size(1, 4, 8))


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    (made / "review.json").unlink(missing_ok=True)
    shutil.copytree(made, tmp_path / "run")
    return tmp_path / "run"


def saved(run: Path, name: str, reader: str, **said: dict[str, str]) -> Path:
    """A file as the page saves it."""
    file = run.parent / name
    review = {"schema": 1, "run": open_run(run).key, "reviewer": reader, "verdicts": said}
    file.write_text(json.dumps(review), encoding="utf-8")
    return file


def one(verdict: str, day: int, label: str = "", note: str = "") -> dict[str, str]:
    when = f"2026-11-{day:02}T10:00:00.000Z"
    return {"verdict": verdict, "label": label, "note": note, "when": when}


def test_a_first_file_is_taken_as_it_is(run: Path) -> None:
    file = saved(run, "a.json", "Ada", L0H0=one("agree", 1), L0N3=one("edit", 2, "Fires on cats."))
    merged = merge_review(run, file)
    assert (merged.new, merged.changed, merged.same, merged.conflicts) == (2, 0, 0, ())
    found = verdicts(open_run(run).review)
    assert (found["L0H0"].verdict, found["L0H0"].reviewer) == ("agree", "Ada")
    assert found["L0N3"].label == "Fires on cats."


def test_merging_again_changes_nothing(run: Path) -> None:
    file = saved(run, "a.json", "Ada", L0H0=one("agree", 1, note="yes"))
    merge_review(run, file)
    before = (run / "review.json").read_bytes()
    assert merge_review(run, file).same == 1
    assert (run / "review.json").read_bytes() == before


def test_of_one_reader_the_later_counts_whatever_the_order(run: Path) -> None:
    early = saved(run, "early.json", "Ada", L0H0=one("agree", 1))
    late = saved(run, "late.json", "Ada", L0H0=one("reject", 2))
    for order in ((early, late), (late, early)):
        (run / "review.json").unlink(missing_ok=True)
        for file in order:
            merged = merge_review(run, file)
        assert verdicts(open_run(run).review)["L0H0"].verdict == "reject"
        assert merged.conflicts == ()


def test_readers_who_differ_are_listed_and_kept(run: Path) -> None:
    merge_review(run, saved(run, "a.json", "Ada", L0H1=one("agree", 3), L0H2=one("agree", 1)))
    merged = merge_review(
        run, saved(run, "b.json", "Bo", L0H1=one("reject", 2), L0H2=one("agree", 5))
    )
    [conflict] = merged.conflicts
    assert conflict.name == "L0H1"
    assert [said["reviewer"] for said in conflict.said] == ["Ada", "Bo"]  # the later first
    kept = open_run(run).review["verdicts"]["L0H1"]
    assert (kept["verdict"], kept["others"][0]["verdict"]) == ("agree", "reject")
    assert merged.readers == ("Ada", "Bo")
    assert merged.counts["agree"] == 2


def test_who_agrees_with_a_readers_words_keeps_them(run: Path) -> None:
    words = "Fires on cats."
    merge_review(run, saved(run, "a.json", "Ada", L0N3=one("edit", 1, words)))
    merged = merge_review(run, saved(run, "b.json", "Bo", L0N3=one("agree", 2, words)))
    assert merged.conflicts == ()
    found = verdicts(open_run(run).review)["L0N3"]
    assert (found.verdict, found.reviewer) == ("agree", "Bo")
    assert worded("Fires on dogs.", found) == (words, "Fires on dogs.")
    # Whoever agrees with the automatic words does not want Ada's.
    merged = merge_review(run, saved(run, "c.json", "Cy", L0N3=one("agree", 3)))
    assert [conflict.name for conflict in merged.conflicts] == ["L0N3"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not JSON"),
        (b"\xff\xfe", "is not UTF-8 at byte offset 0"),
        (b"[]", "is no review"),
        (b'{"schema": 2}', "is no review"),
        (b'{"schema": 1, "run": "x+y", "verdicts": {}}', "belongs to another run"),
        (b'{"schema": 1, "run": "KEY", "verdicts": []}', 'an object under "verdicts"'),
        (b'{"schema": 1, "run": "KEY", "verdicts": {"L0H9": {}}}', "did you mean 'L0H"),
        (b'{"schema": 1, "run": "KEY", "verdicts": {"L0H1": 3}}', 'expected a "verdict"'),
        (b'{"schema": 1, "run": "KEY", "verdicts": {"L0H1": {"note": 3}}}', "note is no string"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"schema": 1, "run": "KEY", "verdicts": {"L0H1": {"verdict": "agree"}}}', "nobody said"),
        (
            b'{"schema": 1, "run": "KEY", "reviewer": "A", "verdicts": {"L0H1": {"when": "today"}}}',
            "expected an ISO time",
        ),
        (
            b'{"schema": 1, "run": "KEY", "reviewer": "A", "verdicts": {"L0H1": {"verdict": "edit"}}}',
            "no description is given",
        ),
    ],
)
def test_what_is_no_review_of_this_run_changes_nothing(
    run: Path, content: bytes, message: str
) -> None:
    merge_review(run, saved(run, "a.json", "Ada", L0H0=one("agree", 1)))
    before = (run / "review.json").read_bytes()
    file = run.parent / "bad.json"
    file.write_bytes(content.replace(b"KEY", open_run(run).key.encode()))
    with pytest.raises(RunFolderError, match=message):
        merge_review(run, file)
    assert (run / "review.json").read_bytes() == before


def test_a_missing_file_is_named(run: Path) -> None:
    with pytest.raises(RunFolderError, match=r"nowhere\.json cannot be read"):
        merge_review(run, run / "nowhere.json")


def test_any_text_survives_the_merge(run: Path) -> None:
    note: Any = "</script>\u202e\x00 😀 ~ \ud83d"
    merge_review(run, saved(run, "a.json", "A<b>", L0H0=one("", 1, note=note)))
    found = verdicts(open_run(run).review)["L0H0"]
    assert found.reviewer == "A<b>"
    assert found.note.startswith("</script>\u202e\x00 😀")


def test_a_readers_words_do_not_steer_the_terminal() -> None:
    said = one("edit", 1, label="\x1b[31mred\x07") | {"reviewer": "A\x1b]0;x"}
    other = one("reject", 1) | {"reviewer": "B"}
    merged = Merged(
        0, 0, 0, (Conflict("L0H0", (said, other)),), ("A\x1b",), dict.fromkeys(VERDICTS, 0)
    )
    console = Console(record=True, width=120, file=io.StringIO())
    console.print(_conflicts(merged))
    for line in _summary(merged):
        console.print(line, markup=False)
    shown = console.export_text()
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "[31mred" in shown


def test_times_are_compared_as_times(run: Path) -> None:
    # 10:30 in Berlin (+01:00) is 09:30 UTC, before 10:00 UTC, though it sorts after it as text.
    early = one("agree", 1) | {"when": "2026-11-01T10:30:00+01:00"}
    merge_review(run, saved(run, "b.json", "Ada", L0H0=one("reject", 1)))
    merge_review(run, saved(run, "a.json", "Ada", L0H0=early))
    assert verdicts(open_run(run).review)["L0H0"].verdict == "reject"


def test_a_later_note_hides_no_judgement(run: Path) -> None:
    merge_review(run, saved(run, "a.json", "Ada", L0H0=one("reject", 1)))
    merge_review(run, saved(run, "b.json", "Bo", L0H0=one("", 2, note="look again")))
    found = open_run(run).review["verdicts"]["L0H0"]
    assert (found["verdict"], found["reviewer"]) == ("reject", "Ada")
    assert found["others"][0]["note"] == "look again"
