"""Values, texts and differences as pages show them: nothing hidden, nothing invented."""

import pytest

from workflows.templatetags.rich_text import MAX_BYTES, render
from workflows.templatetags.value_tree import MAX_NODES, build
from workflows.templatetags.visible import has_hidden, visible, visible_text
from workflows.web.value_diff import MAX_LINES, diff


class TestHiddenCharacters:
    @pytest.mark.parametrize(
        ("character", "label"),
        [
            ("\u202e", "RLO"),
            ("\u2066", "LRI"),
            ("\u200b", "ZWSP"),
            ("\ufeff", "BOM"),
            ("\x00", "NUL"),
            ("\x1b", "ESC"),
            ("\x85", "U+0085"),
            ("\ud800", "U+D800"),
            ("\U000e0041", "U+E0041"),
        ],
    )
    def test_they_are_written_out(self, character, label):
        html = visible(f"a{character}b")

        assert f">{label}</span>" in html
        assert character not in html
        assert has_hidden(f"a{character}b")

    @pytest.mark.parametrize(
        "text", ["a\nb\tc", "naïve ß 漢字 שלום", "👩\u200d🚀 ❤\ufe0f"]
    )
    def test_ordinary_text_is_left_alone(self, text):
        assert visible(text) == text
        assert visible_text(text) == text

    def test_where_no_markup_can_stand_they_are_written_as_text(self):
        assert visible_text("a\u202eb\x01") == "a[RLO]b[U+0001]"

    def test_everything_else_is_escaped(self):
        assert visible("<b>\u200b&") == ("&lt;b&gt;" + visible("\u200b") + "&amp;")


class TestMarkdown:
    def test_the_harmless_part_is_kept(self):
        html = render(
            "# T\n\n- **a** `b`\n\n| x |\n|---|\n| 1 |\n\n[c](https://d.example)"
        )

        for part in ("<h1>", "<strong>", "<code>", "<td>", 'href="https://d.example"'):
            assert part in html
        assert 'rel="noopener noreferrer nofollow"' in html

    @pytest.mark.parametrize(
        "text",
        [
            "<script>x</script>",
            "<b hx-get='/x'>x</b>",
            "![x](https://tracker.example/p.png)",
            "[x](javascript:alert(1))",
            "[x](data:text/html,x)",
            "<form action=/x><button>Approve</button></form>",
            "<style>body{display:none}</style>",
        ],
    )
    def test_nothing_acts_or_loads(self, text):
        html = render(text)

        for part in (
            "<script",
            "<b ",
            "<img",
            "javascript:",
            "<form",
            "<style",
            "data:",
        ):
            assert part not in html or f"[x]({part}" in html

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            (
                "[your bank](https://bank.example@evil.example/login)",
                "your bank</a> <small>(evil.example)</small>",
            ),
            (
                "[a **b**](https://\u0430pple.example/)",
                "a <strong>b</strong></a> <small>(xn--pple-43d.example)</small>",
            ),
            (
                "![a chart](https://pictures.example/c.png)",
                'href="https://pictures.example/c.png"',
            ),
            ("![](https://p.example/c.png)", "picture</a> <small>(p.example)</small>"),
            (
                "[![x](https://p.example/c.png)](https://t.example)",
                "x <small>(p.example)</small></a> <small>(t.example)</small>",
            ),
            ("<https://a.example/x>", "<small>(a.example)</small>"),
        ],
    )
    def test_a_link_says_where_it_leads(self, text, shown):
        html = render(text)

        assert shown in html
        assert "<img" not in html

    def test_what_is_long_or_hides_something_stays_plain(self):
        assert "<strong>" not in render("**a**" + " " * MAX_BYTES)
        assert "<strong>" not in render("**a**\u202e")

    def test_a_hostile_text_takes_no_time(self):
        render("[" * (MAX_BYTES - 1))


class TestTrees:
    def test_kinds_and_labels(self):
        node = build(
            {
                "n": 9007199254740993,
                "f": 0.1,
                "t": True,
                "none": None,
                "empty": "",
                "when": "2026-11-02T14:03:11+01:00",
                "url": "https://a.example/b",
                "long": "a\nb",
                "list": [1],
            }
        )

        assert [(c.label, c.kind, c.text) for c in node.children[:8]] == [
            ("n", "number", "9007199254740993"),
            ("f", "number", "0.1"),
            ("t", "boolean", "yes"),
            ("none", "null", "null"),
            ("empty", "empty", "empty text"),
            ("when", "moment", "2026-11-02T14:03:11+01:00"),
            ("url", "address", "https://a.example/b"),
            ("long", "long", "a\nb"),
        ]
        assert node.children[8].children[0].label == "1"

    def test_tags_are_shown_and_never_built(self):
        node = build({"$t": "os.system", "v": ["rm"]})

        assert (node.tag, node.kind, node.children[0].text) == (
            "os.system",
            "list",
            "rm",
        )

    def test_keys_that_json_does_not_know(self):
        node = build({"$t": "dict", "v": [[31, "a"]]})

        assert [(c.label, c.text) for c in node.children] == [("31", "a")]

    def test_a_huge_value_says_what_is_left_out(self):
        node = build(list(range(MAX_NODES + 10)))

        assert node.children[-1].text.endswith("more not shown")


class TestTables:
    def test_a_list_of_records_is_a_table(self):
        node = build([{"to": "Ada", "eur": 5}, {"to": "Bob", "note": None}], "lines")

        assert (node.kind, node.columns) == ("table", ("to", "eur", "note"))
        assert [[cell.kind for cell in row.children] for row in node.children] == [
            ["text", "number", "missing"],
            ["text", "missing", "null"],
        ]

    @pytest.mark.parametrize(
        "value",
        [
            [{"a": 1}],
            [{"a": 1}, 2],
            [{"a": [1]}, {"a": [2]}],
            [{"a": "x\ny"}, {"a": ""}],
            [{f"c{n}": n for n in range(9)}] * 2,
            [{}, {}],
            [{"$t": "tuple", "v": []}] * 2,
        ],
    )
    def test_what_no_table_can_hold_stays_a_list(self, value):
        assert build(value).kind == "list"

    def test_a_huge_one_says_what_is_left_out(self):
        node = build([{"n": n} for n in range(MAX_NODES)])

        assert node.children[-1].text.endswith("more not shown")


class TestFolds:
    def test_a_long_text_shows_its_head_and_how_much_is_left(self):
        node = build("x" * 5000)

        assert (len(node.head), node.left) == (1200, 3800)

    def test_many_lines_are_folded_too(self):
        node = build("\n".join(["a line of some length"] * 40))

        assert node.head.count("\n") == 15

    @pytest.mark.parametrize("text", ["x" * 1300, "a\nb", "\n".join("abc" * 6)])
    def test_what_is_hardly_longer_is_shown_whole(self, text):
        assert build(text).head == ""


class TestDifferences:
    def test_places_and_values(self):
        rows = diff(
            {"a": 1, "b": {"c": [1, 2]}, "d": 0}, {"a": 2, "b": {"c": [1]}, "e": 1}
        )

        assert [(r.path, r.kind, r.old, r.new) for r in rows] == [
            ("a", "changed", "1", "2"),
            ("b / c [2]", "removed", "2", ""),
            ("d", "removed", "0", ""),
            ("e", "added", "", "1"),
        ]

    @pytest.mark.parametrize(
        ("old", "new"), [(1, 1.0), (1, True), ("1", 1), (None, "")]
    )
    def test_kinds_matter(self, old, new):
        assert len(diff(old, new)) == 1

    def test_long_texts_are_compared_line_by_line(self):
        (row,) = diff("one\ntwo\nthree", "one\n2\nthree")

        assert [(line.sign, line.text) for line in row.lines] == [
            (" ", "one"),
            ("-", "two"),
            ("+", "2"),
            (" ", "three"),
        ]

    def test_changes_behind_the_limit_are_not_kept_silent(self):
        text = "\n".join(map(str, range(MAX_LINES)))

        (row,) = diff(text + "\na", text + "\nb")

        assert row.lines[-1].text == f"more changes after line {MAX_LINES}"

    def test_an_entry_that_was_taken_out_does_not_shift_the_others(self):
        rows = diff([{"n": 1}, {"n": 2}, {"n": 3}], [{"n": 2}, {"n": 4}])

        assert [(r.path, r.kind) for r in rows] == [
            ("[1]", "removed"),
            ("[3] / n", "changed"),
        ]
