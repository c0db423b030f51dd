"""The archive of a map page: what goes in comes out, said by a second reader."""

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as some
from packed_page import column, content_of, numbers, shapes_of

from lifecircle.errors import OutputError
from lifecircle.publish import archive


def back(piece: archive.Piece) -> object:
    return column(piece.form, piece.count, piece.data)


@given(some.lists(some.integers(0, 2**63 - 1)))
def test_varints_come_back(values: list[int]) -> None:
    """Whole numbers up to the largest, read one byte after another, are those that were written."""
    packed = archive.varints(np.array(values, dtype=np.uint64))
    assert numbers(packed, len(values)) == (values, len(packed))


@given(some.lists(some.one_of(some.none(), some.decimals(-(10**9), 10**9, places=2))))
def test_numbers_come_back(values: list[object]) -> None:
    """Numbers of two digits behind the point come back to the digit, missing ones as missing."""
    given_ = pd.Series([np.nan if value is None else float(value) for value in values], dtype="float64")  # type: ignore[arg-type]
    found = back(archive.numbers(given_, digits=2))
    assert [None if value is None else round(value, 2) for value in found] == [  # type: ignore[attr-defined]
        None if value is None else round(float(value), 2)  # type: ignore[arg-type]
        for value in values
    ]


def test_numbers_beyond_a_browsers() -> None:
    """What is infinite is not known, and what is larger than 2 to the 52nd is cut there."""
    found = back(archive.numbers(pd.Series([np.inf, 1e300, 0.5]), digits=2))
    assert found == [None, 2.0**52, 0.0]


@given(some.lists(some.one_of(some.none(), some.text(some.characters(exclude_categories=["Cs"])))))
def test_texts_come_back(values: list[str | None]) -> None:
    """Texts of any characters come back, missing ones apart from empty ones."""
    assert back(archive.texts(pd.Series(values, dtype="str"))) == values


def test_texts_that_were_joined() -> None:
    """A column that pandas holds in several pieces, as after a concatenation, is one column."""
    joined = pd.concat([pd.Series(["a", None], dtype="str"), pd.Series(["幼儿园"], dtype="str")])
    assert back(archive.texts(joined)) == ["a", None, "幼儿园"]
    assert back(archive.texts(pd.Series([], dtype="str"))) == []


@pytest.mark.parametrize("many", [0, 1, 1000])
def test_points_come_back(many: int) -> None:
    """Points anywhere on the square of the map come back within a tenth of a metre of the projection."""
    rng = np.random.default_rng(3)
    at = np.stack([rng.uniform(-180, 180, many), rng.uniform(-85, 85, many)], axis=1)
    found = shapes_of(back(archive.geometry(shapely.points(at), "point")))  # type: ignore[arg-type]
    assert len(found) == many
    if many:
        far = np.abs(shapely.get_coordinates(found) - at).max(axis=0) * 111_320
        assert (far < 0.06).all()


def test_a_vertex_at_the_pole_stays_on_the_map() -> None:
    """A latitude the projection has no place for is put on the edge of its square."""
    (spot,) = shapes_of(back(archive.geometry(np.array([shapely.Point(10, 90)]), "point")))  # type: ignore[arg-type]
    assert spot.y == pytest.approx(85.05, abs=1e-6)


def test_a_piece_that_is_there_twice_is_stored_once() -> None:
    """Two equal columns take the place of one, and the order of pieces is that of their first use."""
    one, other = archive.whole(np.arange(5)), archive.whole(np.arange(5))
    held = archive.packed({"a": one, "b": archive.codes(np.array([-1, 2])), "c": other})
    found = content_of(f'<script type="text/plain" id="lifecircle-data">{held}</script>')
    assert found["a"] == found["c"] == [0, 1, 2, 3, 4]
    assert found["b"] == [None, 2]
    assert [form for form, _, _ in found["pieces"]] == ["u", "c"]


def test_what_a_page_cannot_hold_is_refused() -> None:
    """A value that is neither JSON nor a piece is named by its type."""
    with pytest.raises(OutputError, match="complex"):
        archive.packed({"a": 1j})
