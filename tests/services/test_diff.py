"""What an edit changes, row by row."""

from workflows.services.diff import diff


def rows(old, new):
    return [(row.path, row.kind, row.old, row.new) for row in diff(old, new)]


def test_equal_values_have_no_rows():
    assert rows({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}) == []


def test_each_changed_place_is_a_row():
    old = {"to": "Ann", "lines": [1, 2], "old": True}
    new = {"to": "Bob", "lines": [1, 3, 4], "new": None}

    assert rows(old, new) == [
        ("to", "changed", "Ann", "Bob"),
        ("lines[1]", "changed", 2, 3),
        ("lines[2]", "added", None, 4),
        ("old", "removed", True, None),
        ("new", "added", None, None),
    ]


def test_the_whole_value_may_change():
    assert rows("a", {"b": 1}) == [("", "changed", "a", {"b": 1})]


def test_one_and_true_and_one_point_zero_differ():
    assert len(rows([1, 1, 0], [True, 1.0, False])) == 3


def test_a_long_text_is_compared_word_by_word():
    before = "The quick brown fox jumps over the lazy dog. " * 4
    after = before.replace("lazy", "sleepy", 1)

    [row] = diff({"text": before}, {"text": after})

    changed = [(p.kind, p.text.strip()) for p in row.pieces if p.kind != "same"]
    assert changed == [("removed", "lazy"), ("added", "sleepy")]
    assert "".join(p.text for p in row.pieces if p.kind != "added") == before
    assert "".join(p.text for p in row.pieces if p.kind != "removed") == after


def test_very_different_values_end():
    assert len(diff(list(range(5000)), list(range(1, 5001)))) == 500
