"""What questions have in common, and the odd one among them."""

from workflows.services.desk.bulk_compare import compare, flatten


def rows(name, *values):
    return [{name: value} for value in values]


def test_what_is_the_same_everywhere_is_said_once():
    found = compare([{"to": "Ada", "amount": 1}, {"to": "Ada", "amount": 2}])

    assert [(each.name, each.text) for each in found.equal] == [("to", "Ada")]
    [amount] = found.differing
    assert (amount.name, amount.distinct) == ("amount", 2)
    assert (amount.least, amount.most) == ("1", "2")


def test_a_number_far_from_the_others_stands_out():
    found = compare(rows("amount", 10, 11, 12, 12, 13, 9_000))

    assert list(found.odd) == [5]
    assert found.odd[5] == ("amount 9000 (most 11 to 13)",)
    assert found.differing[0].odd == 1


def test_numbers_that_are_merely_different_do_not():
    assert compare(rows("amount", *range(50))).odd == {}


def test_numbers_in_text_are_numbers():
    found = compare(rows("gross", "10.00", "11.50", "12.00", "11.00", "99999.00"))

    assert list(found.odd) == [4]
    assert found.differing[0].most == "99999.00"


def test_a_rare_word_among_equal_ones_stands_out():
    found = compare(rows("currency", *["EUR"] * 9, "USD"))

    assert found.odd == {9: ("currency “USD” (most “EUR”)",)}
    assert found.differing[0].common == (("EUR", 9), ("USD", 1))


def test_words_that_are_all_different_do_not():
    assert compare(rows("to", "a", "b", "c", "d", "e", "f")).odd == {}


def test_a_missing_field_stands_out():
    found = compare([*rows("vat", 1, 2, 3, 4, 5, 6), {}])

    assert found.odd == {6: ("no vat",)}
    assert found.differing[0].missing == 1


def test_a_few_questions_have_no_usual_value():
    assert compare(rows("amount", 1, 1, 1, 5000)).odd == {}


def test_truth_is_no_number_and_one_number_among_words_is_a_word():
    found = compare([{"paid": True, "ref": "12"}, {"paid": False, "ref": "x"}])

    assert {each.name: each.least for each in found.differing} == {
        "paid": "",
        "ref": "",
    }


def test_numbers_no_arithmetic_can_hold_are_words():
    found = compare(rows("n", "1e999999", "NaN", "9" * 5000))

    assert found.differing[0].least == ""


def test_fields_in_fields_have_dotted_names_and_tags_are_read():
    tree = {
        "a": {"b": {"c": {"d": 1}}},
        "cost": {"$t": "Decimal", "v": "1.50"},
        "tags": ["x"],
    }

    assert dict(flatten(tree)) == {
        "a.b.c": {"d": 1},
        "cost": "1.50",
        "tags": ["x"],
    }
    assert dict(flatten("no fields")) == {}


def test_the_first_fields_of_many_are_compared():
    found = compare([{f"f{n}": n for n in range(100)}] * 2)

    assert (len(found.equal), found.left_out) == (40, 60)


def test_dates_have_a_first_and_a_last():
    found = compare(rows("date", "2026-03-01", "2026-01-31", "2026-02-28T10:00:00Z"))

    assert (found.differing[0].least, found.differing[0].most) == (
        "2026-01-31",
        "2026-03-01",
    )
