"""Where plugins come from: files, folders, modules, installed packages; and what is told of them."""

import hashlib
from pathlib import Path

import pytest

from heuristics import PluginError, load_heuristics
from heuristics.registry import find, project_plugins

SOURCE = """
from heuristics import feature, relation

@feature("{name}")
def it(text):
    return text.is_start
"""


@pytest.fixture(autouse=True)
def _no_switch(monkeypatch):
    monkeypatch.delenv("LABELER_PLUGINS", raising=False)


def write(path: Path, name: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SOURCE.format(name=name))
    return path


def install(folder: Path, package: str, module: str, name: str) -> None:
    """What pip leaves behind of a package with one module, as far as it matters here."""
    write(folder / f"{module}.py", name)
    info = folder / f"{package.replace('-', '_')}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(f"[labeler.heuristics]\nthese = {module}\n")


def added(*plugins: str, **options) -> dict:
    return {item.name: item for item in load_heuristics(plugins, **options) if not item.built_in}


def test_an_installed_package_is_found_with_its_version_and_hash(tmp_path, monkeypatch):
    install(tmp_path, "word-lists", "word_lists_plugin", "a list")
    monkeypatch.syspath_prepend(tmp_path)
    item = added()["a list"]
    content = (tmp_path / "word_lists_plugin.py").read_bytes()
    assert (item.module, item.package, item.version, item.hash) == (
        *("word_lists_plugin", "word-lists", "1.2"),
        hashlib.sha256(content).hexdigest()[:16],
    )


def test_the_switch_turns_installed_packages_off_and_nothing_else(tmp_path, monkeypatch):
    install(tmp_path, "first-pack", "first_pack_plugin", "one")
    install(tmp_path, "second-pack", "second_pack_plugin", "two")
    file = write(tmp_path / "three.py", "three")
    monkeypatch.syspath_prepend(tmp_path)
    assert set(added(str(file))) == {"one", "two", "three"}
    monkeypatch.setenv("LABELER_PLUGINS", "")
    assert set(added(str(file))) == {"three"}
    monkeypatch.setenv("LABELER_PLUGINS", "second-pack, other")
    assert set(added()) == {"two"}


def test_a_broken_package_is_named_with_the_way_round_it(tmp_path, monkeypatch):
    install(tmp_path, "broken-pack", "broken_pack_plugin", "x")
    (tmp_path / "broken_pack_plugin.py").write_text("import no_such_module")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PluginError) as caught:
        load_heuristics()
    assert str(caught.value) == (
        "plugin broken_pack_plugin of package broken-pack cannot be imported: ModuleNotFoundError: "
        "No module named 'no_such_module'; LABELER_PLUGINS='' runs without installed plugins"
    )


def test_a_module_of_the_working_directory(tmp_path, monkeypatch):
    write(tmp_path / "mine_here" / "colours.py", "mine")
    monkeypatch.chdir(tmp_path)
    assert added("mine_here.colours")["mine"].module == "mine_here.colours"
    with pytest.raises(PluginError, match=r"'mine_there'; expected a file \(with its \.py\) or"):
        load_heuristics(["mine_there.colours"])


def test_the_folder_of_the_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert project_plugins() == []
    for name in ("b", "a", "_private", "test_a"):
        write(tmp_path / "heuristics.d" / f"{name}.py", name)
    assert project_plugins() == ["heuristics.d/a.py", "heuristics.d/b.py"]
    assert set(added(*project_plugins())) == {"a", "b"}
    assert set(added("heuristics.d")) == {"a", "b"}  # a folder stands for its files


def test_the_order_does_not_matter_and_twice_is_once(tmp_path):
    one, two = (str(write(tmp_path / f"{name}.py", name)) for name in ("one", "two"))
    assert find([two, one, one]) == find([one, two])
    names = [item.name for item in load_heuristics([one, two])]
    assert names == [item.name for item in load_heuristics([two, one])]


def test_files_of_one_name_are_two_modules(tmp_path):
    one = write(tmp_path / "a" / "same.py", "one")
    two = write(tmp_path / "b" / "same.py", "two")
    found = added(str(one), str(two))
    assert found["one"].module != found["two"].module
    assert found["one"].hash != found["two"].hash


def test_private_names_are_parts_and_lists_count(tmp_path):
    file = tmp_path / "parts.py"
    file.write_text(
        "from heuristics import builtin, feature\n"
        "_part = feature('part')(lambda text: text.is_start)\n"
        "comma = builtin('comma')\n"
        "made = [(_part & comma).named('one'), (~_part).named('two')]\n"
    )
    assert set(added(str(file))) == {"one", "two"}


def test_what_cannot_be_loaded_is_reported_and_left_out_if_asked(tmp_path):
    good = write(tmp_path / "good.py", "good")
    bad = tmp_path / "bad.py"
    bad.write_text("raise SystemExit(3)")
    clash = write(tmp_path / "with_a_clash.py", "comma")
    told = []
    plugins = [str(path) for path in (good, bad, clash)]
    assert set(added(*plugins, on_error=told.append)) == {"good"}
    assert [error.reason for error in told] == [
        "cannot be imported: SystemExit: 3 (line 1)",
        "has the name of a feature in heuristics.punctuation",
    ]
    assert told[1].heuristic == "comma"


def test_one_name_is_no_list_of_names(tmp_path, monkeypatch):
    """Letter by letter its dot would be the working directory, whose files would be run."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "colour.py", "colour word")
    with pytest.raises(PluginError, match=r"plugins takes several names, as in \['colour.py'\]"):
        load_heuristics("colour.py")
