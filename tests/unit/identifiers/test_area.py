"""Places know their level, name and what lies around them."""

import pytest

from app.identifiers import AreaCode
from app.identifiers.area import names


@pytest.mark.parametrize(
    ("code", "level", "around"),
    [
        ("320000", "province", None),
        ("321300", "city", "320000"),
        ("321302", "county", "321300"),
        ("321302001", "town", "321302"),
        ("429004", "county", "429000"),
    ],
)
def test_a_place_knows_its_level_and_the_place_around_it(code: str, level: str, around: str | None) -> None:
    place = AreaCode.parse(code)

    assert place.level == level
    assert (place.parent.text if place.parent else None) == around


def test_every_chain_of_places_ends_in_a_province() -> None:
    for code in names():
        place = AreaCode.parse(code)
        while place.parent is not None:
            place = place.parent
        assert place.level == "province", code


def test_a_place_lies_within_what_is_around_it_only() -> None:
    town = AreaCode.parse("321302001")

    assert town.within(AreaCode.parse("321302"))
    assert town.within(AreaCode.parse("320000"))
    assert not town.within(AreaCode.parse("321311"))


def test_the_reference_city_has_its_towns_and_villages() -> None:
    ours = [code for code in names() if code.startswith("3213")]

    assert names()["321302"] == "宿城区"
    assert (sum(len(code) == 9 for code in ours), sum(len(code) == 12 for code in ours)) == (109, 1440)
