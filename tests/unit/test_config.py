"""Defaults, then the file, then the flags; each mistake gets the one line that mends it."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.config import Settings, load_settings
from labeler.errors import ConfigError
from labeler.thresholds import Thresholds


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "run.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def message_of(config_file: Path | None, **overrides: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings(config_file, overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{config_file and config_file.parent}/", "")


def test_every_default_holds() -> None:
    assert load_settings(None, {}) == Settings()


def test_flags_go_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        'model = "gpt2"\nmax_prompts = 100\nonly = ["comma"]\nout = "here"\n'
        "[thresholds]\nclear = 0.6\nlift_floor = 2\n",
    )
    found = load_settings(path, {"max_prompts": 5, "model": None, "likely": 0.3, "verify": True})
    expected = Settings(
        model="gpt2",
        max_prompts=5,
        only=("comma",),
        out=Path("here"),
        verify=True,
        thresholds=Thresholds(clear=0.6, likely=0.3, lift_floor=2.0),
    )
    assert found == expected
    assert isinstance(found.thresholds.lift_floor, float)


def test_a_corpus_of_the_flags_goes_over_prompts_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, Settings(corpus="-", prompts=("One.",)).to_toml())
    assert load_settings(path, {"corpus": "stories"}).prompts == ()
    # The same command with --resume: what stood in standard input is in the file.
    assert load_settings(path, {"corpus": "-"}).prompts == ("One.",)
    assert load_settings(path, {"prompts": ["Two."]}).prompts == ("Two.",)


def test_what_flags_give_is_taken_in_its_own_type() -> None:
    found = load_settings(None, {"plugin": ["a.py", "b.py"], "out": Path("x"), "device": "cuda:1"})
    assert found == Settings(plugin=("a.py", "b.py"), out=Path("x"), device="cuda:1")


def test_resolved_settings_are_written_and_read_again(tmp_path: Path) -> None:
    asked = Settings(
        prompts=('He said: "No\\way"\n\t\x00\x7f', "Zoë 🙂"),
        max_tokens=64,
        keep_going=True,
        thresholds=Thresholds(clear=0.75),
    )
    assert load_settings(write(tmp_path, asked.to_toml()), {}) == asked
    plain = json.loads(json.dumps(asked.to_dict()))
    assert plain["max_prompts"] is None
    thresholds = plain.pop("thresholds")
    again = {name: value for name, value in (plain | thresholds).items() if value is not None}
    assert load_settings(None, again) == asked


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("modle = 'x'", "run.toml: unknown option 'modle'; did you mean 'model'?"),
        (
            "[thresholds]\nlikly = 0.1",
            "run.toml: thresholds: unknown option 'likly'; did you mean 'likely'?",
        ),
        ("clear = 0.5", "run.toml: clear is a threshold; it goes under [thresholds]"),
        ("thresholds = 1", "run.toml: thresholds is the integer 1; expected a table [thresholds]"),
        (
            "max_prompts = '12'",
            "run.toml: max_prompts is the string '12'; expected an integer of at least 1",
        ),
        (
            "max_prompts = 0",
            "run.toml: max_prompts is the integer 0; expected an integer of at least 1",
        ),
        (
            "max_tokens = 1",
            "run.toml: max_tokens is the integer 1; expected an integer of at least 2",
        ),
        (
            "seed = true",
            "run.toml: seed is the boolean true; expected an integer of at least 0",
        ),
        (
            "seed = 1.0",
            "run.toml: seed is the number 1.0; expected an integer of at least 0",
        ),
        ("verify = 1", "run.toml: verify is the integer 1; expected true or false"),
        ("model = 3", "run.toml: model is the integer 3; expected a string"),
        ("model = ''", "run.toml: model is the string ''; expected a string that is not empty"),
        ("out = []", "run.toml: out is the list []; expected a path"),
        ("plugin = 'a.py'", "run.toml: plugin is the string 'a.py'; expected a list of strings"),
        (
            "only = ['a', 1]",
            "run.toml: only is the list ['a', 1]; expected a list of strings, and number 2 is the "
            "integer 1",
        ),
        ("model = 2026-01-02", "run.toml: model is the date datetime.date(2026, 1, 2); expected a"),
        (
            "dtype = 'int8'",
            "run.toml: dtype is the string 'int8'; expected one of 'float32', 'float64', "
            "'bfloat16', 'float16'",
        ),
        ("long = 'both'", "run.toml: long is the string 'both'; expected one of 'split', 'cut'"),
        (
            "device = 'gpu'",
            "run.toml: device is the string 'gpu'; expected 'auto', 'cpu', 'mps', 'cuda' or "
            "'cuda:N'",
        ),
        (
            "[thresholds]\nclear = 1.5",
            "run.toml: thresholds: clear is the number 1.5; expected a number from 0 to 1",
        ),
        (
            "[thresholds]\nlift_floor = nan",
            "run.toml: thresholds: lift_floor is the number nan; expected a number of at least 0",
        ),
        (
            "[thresholds]\nmax_predictions = 0",
            "run.toml: thresholds: max_predictions is the integer 0; expected an integer of at "
            "least 1",
        ),
        ("model = ", "configuration run.toml is not TOML: Invalid value (at end of document)"),
        (
            b"model = '\xff'",
            "configuration run.toml is not UTF-8: byte 0xff at byte offset 9; save it as UTF-8",
        ),
    ],
)
def test_a_mistake_in_the_file_is_named(
    tmp_path: Path, content: str | bytes, expected: str
) -> None:
    assert message_of(write(tmp_path, content)).startswith(expected)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert message_of(tmp_path / "none.toml") == (
        "configuration none.toml cannot be read: No such file or directory"
    )
    assert message_of(tmp_path).endswith("cannot be read: Is a directory")


def test_a_file_of_another_editor_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, b"\xef\xbb\xbfseed = 3\r\n"), {}).seed == 3


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"thresholds": {"likely": 0.3}}, "thresholds are given one by one, as in likely=0.3"),
        ({"max_token": 3}, "unknown option 'max_token'; did you mean 'max_tokens'"),
        ({"seed": "x"}, "seed is the string 'x'; expected an integer of at least 0"),
        (
            {"seed": 2**32},  # t-SNE takes no larger
            "seed is the integer 4294967296; expected an integer of at least 0 and at most "
            "4294967295",
        ),
        (
            {"workers": 2**63},
            "workers is the integer 9223372036854775808; expected an integer of at least 1 and at "
            "most 9223372036854775807",
        ),
        ({"device_map": "foo"}, "device_map is the string 'foo'; expected 'auto' or 'balanced'"),
        ({"seed": 10**5000}, "seed is the integer of thousands of digits; expected an integer"),
        ({"clear": 10**400}, "clear is the integer 1"),
        ({"out": Path("a\0b")}, "out is the PosixPath PosixPath('a\\x00b'); expected a path"),
        ({"model": "\udcff"}, "model is the string '\\udcff'; expected a string"),
        (
            {"overwrite": True, "resume": True},
            "overwrite and resume exclude each other; give one of them",
        ),
        (
            {"corpus": "a.txt", "prompts": ["Once."]},
            "corpus and prompts (--prompt) exclude each other; give one of them",
        ),
        ({"column": "story", "prompts": ["Once."]}, "column and prompts (--prompt) exclude each"),
        (
            {"only": ["comma", "verb"], "without": ["verb"]},
            "'verb' is in both only and without; leave it out of one",
        ),
        (
            {"max_tokens": 10, "min_tokens": 20},
            "max_tokens is 10 and min_tokens 20, which leaves no prompt; expected max_tokens to be "
            "the larger",
        ),
        (
            {"clear": 0.1},
            "thresholds: clear is 0.1 and likely 0.2; expected clear to be at least as high",
        ),
    ],
)
def test_a_mistake_in_the_flags_is_named(overrides: dict[str, Any], expected: str) -> None:
    assert message_of(None, **overrides).startswith(expected)


toml_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
names = st.sampled_from([*Settings().to_dict(), *Settings().to_dict()["thresholds"], "x", ""])


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(names, toml_values, max_size=3))
def test_any_overrides_are_settings_that_survive_writing_or_a_clear_error(
    overrides: dict[str, Any],
) -> None:
    try:
        found = load_settings(None, overrides)
    except ConfigError as error:
        message = str(error)
        found = Settings()
    else:
        message = "no error"
    assert message.isprintable()
    table = tomllib.loads(found.to_toml())
    thresholds = table.pop("thresholds")
    assert load_settings(None, table | thresholds) == found


nearly_toml = st.lists(
    st.sampled_from(
        ["model", "seed", "=", "\n", '"', "'", "[", "]", "{", "}", "thresholds", "1", "true", ".",
         "0x" + "f" * 6000, "9" * 6000, "\x00", "inf", "[" * 2000]
    ),
    max_size=12,
).map(lambda parts: "".join(parts).encode())  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("configuration")


@settings(max_examples=300, deadline=None)
@given(content=st.binary(max_size=40) | nearly_toml)
def test_any_file_is_a_configuration_or_a_clear_error(folder: Path, content: bytes) -> None:
    try:
        found = load_settings(write(folder, content), {})
    except ConfigError as error:
        message = str(error)
    else:
        message = "no error"
        assert replace(found) == found
    assert message.isprintable()
