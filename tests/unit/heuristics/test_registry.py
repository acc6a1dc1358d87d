"""The contract, its checks and the registry, with plugins as a user writes them."""

import numpy as np
import pytest

from heuristics import PluginError, Targets, builtin, feature, load_heuristics, relation
from heuristics.check import feature_mask, relation_targets
from heuristics.fingerprint import module_hash

from .making import make_text

TEXT = make_text("a| red| b|.")
PLUGIN = """
from heuristics import feature, relation

@feature("colour word", lifts=("nearest", "every"))
def colour_word(text):
    "A colour."
    return text.matches({"red", "blue"})

@relation("same initial letter")
def same_initial_letter(text):
    "The same first letter."
    return text.initials[:, None] == text.initials[None, :]
"""


def test_a_plugin_file_adds_its_heuristics(tmp_path):
    path = tmp_path / "colours.py"
    path.write_text(PLUGIN)
    before = {item.name for item in load_heuristics()}
    added = [item for item in load_heuristics([str(path)]) if item.name not in before]
    assert sorted(item.name for item in added) == [
        *("colour word", "every colour word"),
        *("nearest colour word", "same initial letter"),
    ]
    assert feature_mask(added[0], TEXT).tolist() == [False, False, True, False, False]
    assert module_hash(added[0].module)


def test_a_clash_of_names_names_both_modules(tmp_path):
    path = tmp_path / "commas.py"
    path.write_text(
        "from heuristics import feature\ncomma = feature('comma')(lambda t: t.is_start)"
    )
    with pytest.raises(PluginError, match=r"heuristics\.punctuation and in labeler_plugin_commas"):
        load_heuristics([str(path)])


def test_a_clash_within_a_module_is_an_error_too(tmp_path):
    path = tmp_path / "twice.py"
    path.write_text(
        "from heuristics import feature\n"
        "a = feature('twice')(lambda t: t.is_start)\nb = feature('twice')(lambda t: ~t.is_start)"
    )
    with pytest.raises(PluginError, match="called 'twice': both in labeler_plugin_twice"):
        load_heuristics([str(path)])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1/0", "cannot be imported: ZeroDivisionError"),
        ("x = 1\n\n1/0", r"division by zero \(line 3\)$"),
        ("x = (", r"was never closed \(broken\.py, line 1\)$"),
        (
            "from heuristics import feature\nfeature('x', lifts='nearest')",
            r"imported: feature 'x' in labeler_plugin_broken: lifts takes .* \(line 2\)$",
        ),
        ("x = 1", "declares no heuristic"),
    ],
)
def test_a_broken_plugin_is_named(tmp_path, content, message):
    path = tmp_path / "broken.py"
    path.write_text(content)
    with pytest.raises(PluginError, match=message):
        load_heuristics([str(path)])


def test_a_missing_plugin_and_an_unknown_name_are_named():
    with pytest.raises(PluginError, match=r"plugin file not found: nowhere\.py"):
        load_heuristics(["nowhere.py"])
    with pytest.raises(PluginError, match="unknown heuristic 'coma': did you mean 'comma'"):
        load_heuristics(without=["coma"])


def test_only_and_without():
    assert [item.name for item in load_heuristics(only=["comma"])] == ["comma"]
    assert "comma" not in {item.name for item in load_heuristics(without=["comma"])}


def test_one_of_a_feature_and_a_relation_of_one_name(tmp_path):
    file = tmp_path / "own.py"
    file.write_text("from heuristics import relation\nc = relation('comma')(lambda t: t.key < 1)\n")

    def kinds(**chosen):
        found = load_heuristics([str(file)], **chosen)
        return [item.kind for item in found if item.name == "comma"]

    assert kinds() == ["feature", "relation"]
    assert kinds(without=["relation comma"]) == ["feature"]
    assert kinds(only=["relation comma"]) == ["relation"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (np.zeros(3, dtype=bool), r"expected Bool\[5\], got bool\[3\]"),
        (np.zeros(5), r"expected Bool\[5\], got float64\[5\]"),
        ([True] * 5, "got a list"),
    ],
)
def test_a_feature_of_the_wrong_shape_or_type(answer, message):
    with pytest.raises(PluginError, match=message):
        feature_mask(feature("wrong")(lambda _: answer), TEXT)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (np.zeros((5, 4), dtype=bool), r"expected Bool or weights \[5, 5\], got bool\[5, 4\]"),
        (np.full((5, 5), -1.0), "finite and not negative"),
        (np.full((5, 5), np.nan), "finite and not negative"),
        (Targets.from_keys(np.full(9, 2)), "expected pairs within"),
        (Targets(np.array([1]), np.array([1]), np.array([-1.0])), "expected pairs within"),
    ],
)
def test_a_relation_of_the_wrong_shape_or_value(answer, message):
    with pytest.raises(PluginError, match=message):
        relation_targets(relation("wrong")(lambda _: answer), TEXT)


def test_an_exception_names_the_heuristic_its_module_and_the_prompt():
    def fails(text):
        raise KeyError("no such word")

    with pytest.raises(PluginError, match=r"feature 'bad' in .*, prompt 'made': raised KeyError"):
        feature_mask(feature("bad")(fails), TEXT)


def test_features_combine():
    a = feature("a")(lambda text: text.matches({"a"}))
    b = feature("b")(lambda text: text.matches({"b"}))
    assert feature_mask(a | b, TEXT).tolist() == [False, True, False, True, False]
    assert not feature_mask(a & b, TEXT).any()
    assert feature_mask(~a, TEXT).tolist() == [True, False, True, True, True]
    assert (a | b).named("letters").name == "letters"


def test_a_parameter_makes_a_family():
    family = feature("letter {letter}", letter=("a", "b"))(
        lambda text, letter: text.matches({letter})
    )
    assert [item.name for item in family] == ["letter a", "letter b"]
    assert [np.flatnonzero(feature_mask(item, TEXT)).tolist() for item in family] == [[1], [3]]


def test_the_first_position_is_named_by_who_means_it():
    everything = np.ones((5, 5), dtype=bool)
    plain, meant = relation("plain")(lambda _: everything), relation("meant", start=True)
    assert relation_targets(plain, TEXT).key.min() == 1
    assert relation_targets(meant(lambda _: everything), TEXT).key.min() == 0
    assert relation_targets(builtin("start of text").named("sink"), TEXT).key.max() == 0
    one = relation("one")(lambda _: Targets.from_keys(np.zeros(5, dtype=int)))
    assert not len(relation_targets(one, TEXT).key)
