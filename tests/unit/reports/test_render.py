"""The files of a report: packing, safety of the page's text, equal runs give equal files."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labeler.errors import RunFolderError
from labeler.results import RunFolder, open_run
from reports import pack
from reports.parts import lower_triangle, parts
from reports.place import is_marked
from reports.render import REPORT, page, render, squeeze
from reports.run_facts import facts
from tests.data.make_run_folder import make_run_folder
from tests.data.synthetic_heads import HOSTILE, Size


def test_pack_and_unpack_are_inverse() -> None:
    head = {"a": ["</script>", "\u2028", "ü"], "b": None}
    assert pack.unpack(pack.pack(head, b"\x00\xff")) == (head, b"\x00\xff")


def test_a_data_script_has_no_character_that_html_could_read() -> None:
    text = pack.script("neurons-L0", pack.pack({"x": "</script><!--"}))
    assert re.fullmatch(r'labelerData\("neurons-L0","[A-Za-z0-9+/=]+"\);\n', text)


def test_rounded_drops_what_is_not_a_number() -> None:
    assert pack.rounded([0.12345, float("nan"), None, float("inf"), -1]) == [
        0.1235,
        None,
        None,
        None,
        -1.0,
    ]


def test_a_pattern_comes_back_within_half_a_per_cent() -> None:
    rng = np.random.default_rng(0)
    pattern = np.tril(rng.dirichlet(np.ones(30) * 0.1, 30))
    cells = np.frombuffer(lower_triangle(pattern), dtype=np.uint8)
    back = (cells / 255.0) ** 2
    assert len(cells) == 30 * 31 // 2
    assert np.abs(back - pattern[np.tril_indices(30)]).max() <= 0.004


def test_parts_hold_every_head_and_every_neuron(run: RunFolder) -> None:
    found = {name: pack.unpack(make())[0] for name, make in parts(run)}
    heads = [
        name for key, head in found.items() if key.startswith("heads-") for name in head["heads"]
    ]
    assert heads == run.heads["name"].tolist()
    columns = found["neurons-L1"]
    second = run.neurons[run.neurons["layer"].eq(1)]
    assert columns["neuron"] == second["neuron"].tolist()
    assert [columns["words"][i] for i in columns["label"]] == [
        label.replace("\n", "⏎") for label in second["label"]
    ]


def test_relations_are_sorted_by_mass(run: RunFolder) -> None:
    head = next(pack.unpack(make())[0] for name, make in parts(run) if name == "heads-L0")
    masses = [row[2] for row in head["heads"]["L0H0"]["relations"]]
    assert masses == sorted(masses, reverse=True)
    assert len(masses) == 12


def test_a_squeezed_script_keeps_its_strings_and_loses_its_comments() -> None:
    text = """
/* A comment
   on two lines. */
const a = { b: 1, c: "x = y", d: `${a + 1} and { so } on` };
  if (a === b || c) return a ? "p : q" : 'r , s';
const found = /^ (a|b) $/.test(a);
const both = `${list.map((x) => `${x} ; `).join(", ")} | `;
"""
    assert squeeze(text).splitlines() == [
        'const a={b:1,c:"x = y",d:`${a + 1} and { so } on`};',
        "if(a===b||c)return a?\"p : q\":'r , s';",
        "const found = /^ (a|b) $/.test(a);",
        'const both = `${list.map((x) => `${x} ; `).join(", ")} | `;',
    ]


def test_the_page_does_not_say_where_it_was_made(run: RunFolder) -> None:
    groups = dict(facts(run.run | {"settings": {"out": "/home/ada/x", "thresholds": {"q": 0.1}}}))
    assert "Settings" not in groups
    assert groups["Thresholds"] == [("q", "0.1")]


def test_the_run_page_says_what_became_of_texts_prompts_and_verification(run: RunFolder) -> None:
    def rows(**changed: Any) -> dict[str, str]:
        groups = dict(facts(run.run | changed))
        return dict(groups["Corpus"] + groups["Settings"])

    corpus = run.run["corpus"] | {"skipped": {"duplicate": 3, "split at 512": 5}}
    asked = {"prompts": [], "verify": True}
    found = rows(corpus=corpus, settings=asked, replacement_curve=[])
    assert (found["skipped, duplicate"], found["split at 512 tokens"]) == ("3", "5")
    assert found["prompts"] == str(corpus["prompts"])  # of --prompt there is none
    assert found["verify"] == "asked for, not finished"
    assert rows(settings=asked)["verify"] == "yes"
    assert rows(settings={"verify": False}, replacement_curve=[])["verify"] == "no"
    assert rows(settings={"prompts": ["Once.", "Twice."]})["prompt"] == "Once., Twice."


def test_equal_runs_give_equal_files(run: RunFolder, tmp_path: Path) -> None:
    one, other = render(run, tmp_path / "a"), render(open_run(run.path), tmp_path / "b")
    assert one.read_bytes() == other.read_bytes()
    for path in sorted((tmp_path / "a" / "data").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / "data" / path.name).read_bytes()


def test_rendering_again_leaves_nothing_old(run: RunFolder, tmp_path: Path) -> None:
    render(run, tmp_path)
    (tmp_path / "data" / "neurons-L7.js").write_text("old")
    render(run, tmp_path)
    assert not (tmp_path / "data" / "neurons-L7.js").exists()


def test_every_file_of_a_report_is_known_as_its_own(run: RunFolder, tmp_path: Path) -> None:
    render(run, tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    names = [path.relative_to(tmp_path).as_posix() for path in files]
    assert [name for name in names if not REPORT.files.fullmatch(name)] == []
    assert is_marked(tmp_path / "index.html", REPORT)


@pytest.mark.parametrize("name", ["data/poems.csv", "index.html"])
def test_what_is_no_report_is_not_replaced(run: RunFolder, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine")
    with pytest.raises(RunFolderError, match=r"is there and no part of a report; choose another"):
        render(run, tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file]
    assert file.read_text() == "mine"


def test_other_files_beside_a_report_stay(run: RunFolder, tmp_path: Path) -> None:
    render(run, tmp_path)
    for name in ("notes.md", "data/notes.md"):
        (tmp_path / name).write_text("mine")
    render(run, tmp_path, single_file=True)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*"))
    assert left == ["data/notes.md", "index.html", "notes.md"]


def test_one_file_has_the_name_that_it_is_given(run: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "single.html"
    for _ in range(2):  # the second in the place of the first
        assert render(run, out, single_file=True) == out
        assert [path.name for path in tmp_path.iterdir()] == ["single.html"]
    assert out.read_bytes() == render(run, tmp_path / "one", single_file=True).read_bytes()
    for taken in ("mine.html", "folder.html"):
        (tmp_path / "folder.html").mkdir(exist_ok=True)
        (tmp_path / "mine.html").write_text("mine")
        with pytest.raises(RunFolderError, match=f"{taken} is there and no part of a report"):
            render(run, tmp_path / taken, single_file=True)
    assert (tmp_path / "mine.html").read_text() == "mine"


@pytest.mark.parametrize("place", ["file", "file/deep"])
def test_a_file_is_no_place_for_a_report(run: RunFolder, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunFolderError, match=re.escape(str(tmp_path / place))):
        render(run, tmp_path / place)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(("call", "after"), [("write_text", 3), ("rename", 3), ("rename", 14)])
def test_a_full_disk_leaves_the_old_report_whole(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, after: int
) -> None:
    """While the new one is written, or takes the old one's place: ten files go, ten come."""
    render(run, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert len(before) == 10
    done, real = iter(range(100)), getattr(Path, call)

    def full(path: Path, *given: Any, **named: Any) -> Any:
        if next(done) == after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return real(path, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Path, call, full)
        said = f"cannot write {tmp_path}: No space left on device; free some space"
        with pytest.raises(RunFolderError, match=re.escape(said)):
            render(run, tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert not list(tmp_path.glob(".*"))


def test_hostile_text_is_escaped_wherever_it_stands(tmp_path: Path) -> None:
    folder = open_run(make_run_folder(tmp_path, Size(d_mlp=8, hostile=True)))
    text = page(folder, [], [])
    assert not re.search(r"<img|<!--", text)
    assert text.count("<script") == 3
    assert text.count("</script>") == 3
    assert HOSTILE[0] not in text
    assert not set("\x00\u202e\u2028") & set(text)


def test_json_in_the_page_parses(run: RunFolder) -> None:
    text = page(run, ["heads-L0"], [])
    block = re.search(r'<script type="application/json" id="page-data">(.*?)</script>', text)
    assert block is not None
    assert json.loads(block[1])["run"] == "b07c55e1aa90+3f9a1c0d7be2"


def test_the_policy_names_both_scripts_and_nothing_from_outside(run: RunFolder) -> None:
    text = page(run, [], [("heads-L0", "eA==")])
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    assert "default-src &#39;none&#39;" in policy[1]
    assert policy[1].count("sha256-") == 3
    assert "unsafe" not in policy[1]
    assert "file:" not in policy[1]
    assert "http" not in policy[1]


def test_no_torch_on_this_path(run_path: Path) -> None:
    code = (
        "import sys; from labeler.results import open_run; from reports import export, render;"
        f"from reports.view import view; view(open_run({str(run_path)!r}));"
        "sys.exit(any(name in sys.modules for name in ('torch', 'spacy', 'transformer_lens')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
