"""What a person's JSON may not hold, and that the refusal names the place."""

import pytest

from workflows.services.strict_json import JsonProblem, parse

DEEP = "[" * 101 + "]" * 101


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ('{"a": 1:}', "line 1, column", "expecting"),
        ('{"a": 1,}', "line 1, column", ""),  # said in other words since Python 3.13
        ('{"a": "x\\u0000"}', "$.a", "NUL"),
        ('{"a": ["ok", "\\ud800"]}', "$.a[1]", "half a character (U+D800)"),
        ('{"a\\u0000": 1}', "$", "NUL"),
        ('{"a": {"b": NaN}}', "$.a.b", "NaN is not JSON"),
        ('{"a": -Infinity}', "$.a", "-Infinity is not JSON"),
        ('{"a": 1e999}', "$.a", "too large"),
        ('{"a": {"b": 1, "b": 2}}', "$.a", "'b' occurs twice"),
        (DEEP, "line 1, column 101", "more than 100 levels"),
        ("9" * 5000, "$", "digits"),
        ("", "line 1, column 1", "expecting value"),
        (b"\xff", "byte 1", "UTF-8"),
    ],
)
def test_it_refuses_and_names_the_place(text, place, reason):
    with pytest.raises(JsonProblem) as refused:
        parse(text)

    assert place in refused.value.place
    assert reason in refused.value.text


def test_integers_beyond_two_to_the_53_stay_exact():
    assert parse("[9007199254740993, -123456789012345678901234567890]") == [
        9007199254740993,
        -123456789012345678901234567890,
    ]


def test_brackets_inside_text_do_not_count_as_depth():
    assert parse('"' + "[" * 500 + '"') == "[" * 500


def test_a_hundred_levels_are_allowed():
    assert parse("[" * 100 + "]" * 100)
