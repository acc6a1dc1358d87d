from story_relations import earlier_item, earlier_mention, name_of_pronoun

from heuristics.testing import attends, check


def test_the_contract():
    check([earlier_mention, earlier_item, name_of_pronoun])


def test_what_they_say():
    assert attends(earlier_item, "I saw pears, a plum and figs.") == {
        "plum": ["pears"],
        "figs": ["pears", "plum"],
    }
    assert attends(earlier_mention, "Then Tom saw Lily. Then Tom ran.")["Tom"] == ["Tom"]
