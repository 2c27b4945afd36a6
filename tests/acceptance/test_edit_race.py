"""Eight people edit one state at the same moment, and some decide: one counts, the rest are told."""

from tests.acceptance.conftest import Standing
from tests.acceptance.edit_races import GRAPH, WISH, assert_none_lost, race_edits
from tests.acceptance.races import Person, ask_many

RACERS = 8


def test_no_edit_is_lost(standing: Standing) -> None:
    site = standing.site
    groups = ["reviewer", "operator"]
    names = [f"editor{number}" for number in range(RACERS)]
    people = [
        Person(each) for each in site.enter(dict.fromkeys(names, groups)).values()
    ]
    [question] = ask_many(site, standing.people["ada"], 1, GRAPH, WISH)

    races = race_edits(site, people, [question].pop, RACERS, alone=2)

    assert_none_lost(site, races)
