"""Who walks: the shipped walkers, and what a local edition may not say."""

import math

import pytest

from lifecircle import standards


def test_walkers_can_be_walked():
    """Each shipped walker is read; wheels take no stairs and have a limit of 1 in 12, all others take both as they come."""
    codes = standards.read("walkers")["code"].tolist()
    assert codes == ["adult", "elder", "child", "wheelchair"]
    walkers = {code: standards.walker(code) for code in codes}
    assert walkers["adult"].speed_m_s == standards.parameter("walk_speed_adult_m_s")
    assert walkers["adult"].longest_leg_m == standards.parameter("offstreet_max_m")
    assert all(one.speed_m_s <= 1 for one in walkers.values())
    wheels = walkers.pop("wheelchair")
    assert (wheels.slope_rule, wheels.steps, wheels.max_slope) == ("limit", False, 1 / 12)
    assert {(one.slope_rule, one.steps) for one in walkers.values()} == {("tobler", True)}
    assert all(math.isnan(one.max_slope) for one in walkers.values())


def test_an_unknown_walker_names_those_there_are():
    """A code that is not in the table is refused with the codes that are."""
    with pytest.raises(standards.StandardsError, match="known: adult, child, elder, wheelchair"):
        standards.walker("runner")


@pytest.mark.parametrize(
    ("code", "column", "value", "said"),
    [
        ("elder", "speed_m_s", 0.0, "speed_m_s must be above 0, not 0.0"),
        ("elder", "speed_m_s", math.nan, "speed_m_s must be above 0, not nan"),
        ("child", "longest_leg_m", -1.0, "longest_leg_m must be 0 or more"),
        ("child", "slope_rule", "naismith", "slope_rule must be flat, tobler, limit, not 'naismith'"),
        ("wheelchair", "max_slope", math.nan, "slope_rule limit needs a max_slope"),
        ("wheelchair", "max_slope", 0.0, "max_slope must be above 0"),
        ("wheelchair", "steps", "", "steps must be yes or no, not ''"),
        ("child", "code", "elder", "it has more than one row"),
        ("adult", "speed_m_s", 1.2, "the parameter walk_speed_adult_m_s is 1.0, its speed_m_s 1.2"),
        ("adult", "longest_leg_m", 200.0, "the parameter offstreet_max_m is 300.0, its longest_leg_m 200.0"),
    ],
)
def test_a_local_walker_that_cannot_walk_is_refused(tmp_path, code, column, value, said):
    """A local edition's walker with an impossible value is refused by walker, column and value."""
    local = standards.read("walkers")
    local.loc[local["code"] == code, column] = value
    local.to_csv(tmp_path / "walkers.csv", index=False, encoding="utf-8")
    with pytest.raises(standards.StandardsError) as caught:
        standards.walker(value if column == "code" else code, folder=tmp_path)
    assert said in str(caught.value)
