"""Where one word ends and the next begins in capitals, code and mark-up."""

import pytest

from labeler.pipeline import Pipeline


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline("embedded")


@pytest.mark.parametrize(
    ("string", "words"),
    [
        ("I DON'T. WE'RE", "I DO N'T . WE 'RE"),
        ("YOU CAN’T", "YOU CA N’T"),
        ("I don't.", "I do n't ."),
        ("IT IS TOM'S. I’D", "IT IS TOM 'S . I ’D"),
        ("Tom and/or Ann", "Tom and / or Ann"),
        ("Mr. T. came", "Mr. T. came"),
        ("MR. FOX", "MR. FOX"),
        ("she said—“not at all”—and left", "she said — “ not at all ” — and left"),
        ("<b>Tom?</b> ran", "< b > Tom ? < /b > ran"),
        ("他说：「好。」我不去！", "他说 ： 「 好 。 」 我不去 ！"),
        ('print("a, b")', 'print ( " a , b " )'),
        ("def f(self) -> str", "def f ( self ) - > str"),
        ("see http://a.org/b?c=1 now", "see http://a.org/b?c=1 now"),
        ("fine :-) <3 so!!!", "fine :-) <3 so !!!"),
    ],
)
def test_words(pipeline, string, words):
    (parse,) = pipeline.parse([string])
    assert parse.text.tolist() == words.split()


def test_words_without_a_parse_are_the_same(pipeline):
    string = 'I DON\'T. x("y")'
    (parse,), (words,) = pipeline.parse([string]), Pipeline("none").parse([string])
    assert parse.text.tolist() == words.text.tolist()
