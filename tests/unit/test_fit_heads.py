"""From sums to rules: errors that are those of the patterns, rounded shares, and the lift floor."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import pytest

from heuristics.registry import load_heuristics
from labeler.fit_heads import HeadFit
from labeler.head_moments import make_rule, printed, rule_error
from labeler.head_tables import prediction_rows
from labeler.labels import HeadLabel, Rule, Term
from labeler.predict import Rules, baseline, patterns
from labeler.prepare import Prepared, Vocabulary
from labeler.simplicity import CORE, PLAIN, PLAINEST, levels
from labeler.statistics import split_folds
from labeler.thresholds import Thresholds
from tests.oracles.synthetic import Made, clean_pattern, noisy, statistics_of
from tests.unit.made_texts import RELATIONS, prepared, random_letters, vocabulary_of

NAMES = [relation.name for relation in RELATIONS]
N_FOLDS = 16
HEADS = (
    Made("previous token", {"previous token": 0.8}),
    Made("a's, where there are any", {"every a": 0.9}),
    Made("sink and current", {"start of text": 0.6, "current token": 0.3}),
    Made(
        "previous; on a's the sink",
        {"previous token": 0.9},
        {"on a letter a": {"start of text": 0.9}},
    ),
    Made("nothing", {}),
)


@cache
def _folds() -> tuple[Vocabulary, list[list[Prepared]]]:
    found = random_letters(np.random.default_rng(0), 500, 14)
    texts = list({text.string: text for text in found if len(text.string) > 3}.values())
    vocabulary = vocabulary_of(texts)
    items = prepared(texts, vocabulary)
    return vocabulary, [items[fold::N_FOLDS] for fold in range(N_FOLDS)]


def _noisy(heads: tuple[Made, ...], item: Prepared) -> np.ndarray:
    rng = np.random.default_rng(int(item.text.id[1:]))
    clean = [clean_pattern(made, item, _folds()[0]) for made in heads]
    return np.stack([noisy(pattern, rng, 30.0, 0.0) for pattern in clean]).astype(np.float32)


def _fit(heads: tuple[Made, ...]) -> HeadFit:
    vocabulary, folds = _folds()
    found, shape = statistics_of(folds, vocabulary, partial(_noisy, heads))
    return HeadFit(found, shape, vocabulary, 0, Thresholds())


@pytest.fixture(scope="module")
def fit() -> HeadFit:
    return _fit(HEADS)


@pytest.fixture(scope="module")
def labels(fit: HeadFit) -> list[HeadLabel]:
    return fit.labels()


def _terms(rule: Rule) -> dict[str, float]:
    return {NAMES[term.relation]: term.weight for term in rule.terms}


@pytest.mark.parametrize("head", range(len(HEADS)))
def test_made_heads_come_back(labels: list[HeadLabel], head: int) -> None:
    made, label = HEADS[head], labels[head]
    assert _terms(label.general) == pytest.approx(dict(made.weights), abs=0.03)
    assert {rule.group.wording: _terms(rule) for rule in label.exceptions if rule.group} == {
        where: pytest.approx(dict(weights), abs=0.03) for where, weights in made.exceptions.items()
    }


def test_a_rule_error_is_that_of_its_pattern() -> None:
    # Where shares do not pass 1, the error from sums is the error of the pattern that is built.
    vocabulary, folds = _folds()
    fit = _fit((HEADS[2],))
    (label,) = fit.labels()
    rules = Rules.of_labels([label], len(vocabulary.classes))
    error = 0.0
    for item in folds[1]:
        real = _noisy((HEADS[2],), item)[0]
        said = patterns(rules, item, 0, None)[0].numpy()
        error += float(((real - said)[1:] ** 2).sum())
    found, _ = fit.errors([label])
    assert found[0, 0] == pytest.approx(error, rel=1e-4)


def test_the_general_rule_is_that_of_classes_that_no_choosing_prompt_has() -> None:
    """The pattern that is built of a label is the one that it was judged by, everywhere."""
    vocabulary, folds = _folds()
    found, shape = statistics_of(folds, vocabulary, partial(_noisy, (HEADS[0],)))
    absent = vocabulary.classes.leaves.index("letter a")
    choosing, _, _, _ = split_folds(N_FOLDS)
    for fold in choosing:
        for name in ("gram", "moment", "energy", "present"):
            found[fold][name][:, absent] = 0
        found[fold]["rows"][absent] = 0
    fit = HeadFit(found, shape, vocabulary, 0, Thresholds())
    assert len(fit.leaves) < len(vocabulary.classes)
    (label,) = fit.labels()
    rules = Rules.of_labels([label], len(vocabulary.classes))
    error = energy = 0.0
    for item in folds[1]:
        real = _noisy((HEADS[0],), item)[0]
        said = patterns(rules, item, 0, None)[0].numpy()
        error += float(((real - said)[1:] ** 2).sum())
        energy += float(((real - baseline(len(item), None).numpy())[1:] ** 2).sum())
    errors, energies = fit.errors([label])
    assert errors[0, 0] == pytest.approx(error, rel=1e-4)
    assert energies[0, 0] == pytest.approx(energy, rel=1e-4)
    assert errors[0, 0] < 0.3 * energies[0, 0]
    # What every relation says together is no rule for such a class: it spreads evenly there.
    dense, _ = fit.dense()
    assert dense[0, 0] > errors[0, 0]


def test_errors_add_up_over_rules(fit: HeadFit, labels: list[HeadLabel]) -> None:
    error, _ = fit.errors(labels)
    for head, label in enumerate(labels):
        parts = [rule_error(fit.judges[2], head, rule) for rule in label.rules]
        assert error[2, head] == pytest.approx(sum(parts))


def test_shares_are_printed_to_what_is_read() -> None:
    assert printed(0.6149) == 0.61
    assert printed(0.1) == 0.1
    assert printed(0.0249) == 0.025
    assert printed(0.0004) == 0.0


def test_a_rule_is_made_of_rounded_shares_the_largest_first(fit: HeadFit) -> None:
    leaves = fit.leaves
    index = [NAMES.index(name) for name in ("every a", "start of text", "fading")]
    rule = make_rule(fit.choose, index, np.array([0.5, 0.4249, 0.0001]), leaves, None)
    present = fit.choose.present[leaves, index[0]].sum() / fit.choose.rows[leaves].sum()
    assert [NAMES[term.relation] for term in rule.terms] == ["start of text", "every a"]
    assert rule.terms[0].share == 0.42
    assert rule.terms[0].weight == 0.42
    assert rule.terms[1].share == printed(0.5 * present)
    assert rule.remainder == pytest.approx(1 - 0.42 - rule.terms[1].share)


def test_a_term_gives_its_weight_and_nothing_where_it_never_holds() -> None:
    assert Term(0, 0.3, 0.5).weight == pytest.approx(0.6)
    assert Term(0, 0.0, 0.0).weight == 0


def test_content_that_distance_explains_is_not_allowed(fit: HeadFit) -> None:
    # A previous-token head attends to a's exactly as often as a's come before: lift 1.
    content = NAMES.index("every a")
    lift = fit.lift[:, content]
    assert lift[0] == pytest.approx(1.0, abs=0.1)
    assert not fit.allowed[0, content]
    assert lift[1] > 1.5
    assert fit.allowed[1, content]


def test_a_distance_has_no_lift_within_a_class(fit: HeadFit) -> None:
    # Lift in a class is over the class's own distances: 1 for "previous token", whatever is done.
    vocabulary, folds = _folds()
    found, _ = statistics_of(folds, vocabulary, partial(_noisy, HEADS))
    index = {name: NAMES.index(name) for name in ("previous token", "every a")}
    (group,) = (group for group in fit.groups if group.name == "letter a")
    rule = Rule(tuple(Term(i, 0.4, 1.0) for i in index.values()), group.leaves, group)
    made = [HeadLabel(f"L0H{head}", Rule((), fit.leaves), (rule,)) for head in range(len(HEADS))]
    rows = list(prediction_rows(fit, made, [], found, 0))
    own = [row for row in rows if row["name"] == "L0H1"]
    within = {row["prediction"]: row["lift"] for row in own if row["query_class"]}
    assert within["previous token"] is None
    assert within["every a"] > 1
    general = {row["prediction"]: row["lift"] for row in own if not row["query_class"]}
    assert general["previous token"] > 0


def test_general_r2_is_of_the_general_rule_alone(fit: HeadFit, labels: list[HeadLabel]) -> None:
    general, (error, energy) = fit.general_r2(labels), fit.errors(labels)
    whole = 1 - error.sum(axis=0) / energy.sum(axis=0)
    # Without exceptions the general rule is the whole label; a label of nothing explains nothing.
    for head in (0, 1, 2):
        assert general[head] == pytest.approx(whole[head])
    assert general[4] == pytest.approx(0, abs=1e-6)
    assert general[3] != pytest.approx(whole[3])


def test_dense_weights_explain_at_least_as_much_where_fitted(
    fit: HeadFit, labels: list[HeadLabel]
) -> None:
    _, weight = fit.dense()
    for head, label in enumerate(labels):
        short = sum(rule_error(fit.choose, head, rule) for rule in label.rules)
        dense = 0.0
        for index, leaf in enumerate(fit.leaves):
            w = weight[index, head]
            moment = fit.choose.moment[head, leaf]
            dense += fit.choose.energy[head, leaf] - 2 * w @ moment + w @ fit.choose.gram[leaf] @ w
        assert dense <= short + 1e-6 * abs(short)


@pytest.mark.parametrize("n_folds", [8, 12, 16])
def test_folds_are_split_by_parity(n_folds: int) -> None:
    choose, judge, first, second = split_folds(n_folds)
    assert sorted(choose + judge) == list(range(n_folds))
    assert all(fold % 2 == 0 for fold in choose)
    assert sorted(first + second) == choose


def test_without_folds_everything_is_one() -> None:
    assert split_folds(1) == ([0], [0], [0], [0])


def test_simpler_relations_rank_lower() -> None:
    rank = dict(zip(NAMES, levels(RELATIONS).tolist(), strict=True))
    assert rank["previous token"] == rank["start of text"] == rank["current token"] == 0
    # Plugins stand with the relations of the source's table.
    assert rank["every a"] == rank["fading"] == 3


def test_names_of_relations_that_rank_low_exist() -> None:
    names = {item.name for item in load_heuristics() if item.kind == "relation"}
    assert names >= (PLAINEST | PLAIN | CORE)
