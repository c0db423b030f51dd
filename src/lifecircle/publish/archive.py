"""What a map page carries, packed: geometry and columns as whole numbers of a few bytes, gzipped once, in base64.

Coordinates are tenths of a metre of the web's map projection (EPSG:3857), which stretches lengths by 1 / cos(latitude), so that a
vertex lies within a tenth of a metre of where it was; each is stored as the step from the vertex before. A whole number takes a byte for
every seven bits (a varint), signed ones with the sign in the lowest bit (zigzag). ``packed.js`` reads what is written here.
"""

import base64
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from lifecircle.errors import OutputError

Array = np.ndarray[Any, Any]
_RADIUS_M = 6378137.0  # of the sphere EPSG:3857 is written on
_LATITUDE = 85.05  # beyond it the projection leaves the square of the map
_LEVEL = 6


@dataclass(frozen=True)
class Piece:
    """A part of the archive: how it is to be read, how many numbers or texts it holds, and its bytes."""

    form: str
    count: int
    data: bytes


def whole(values: Array) -> Piece:
    """Whole numbers, none missing and none negative.

    >>> list(whole(np.array([1, 300])).data)
    [1, 172, 2]
    """
    return Piece("u", len(values), varints(values))


def numbers(values: "pd.Series[Any]", *, digits: int) -> Piece:
    """Numbers to so many digits behind the point, as many as they need; missing and infinite ones are not known.

    >>> numbers(pd.Series([1.5, float("nan"), 2]), digits=2)
    Piece(form='n1', count=3, data=b'\\x1f\\x00)')
    """
    given = values.to_numpy(dtype="float64", na_value=np.nan)
    bad = ~np.isfinite(given)
    given = np.where(bad, 0.0, given)
    if np.abs(given).max(initial=0) * 10.0**digits > 2**52:  # more than a browser's numbers hold
        digits = 0
        given = np.clip(given, -(2.0**52), 2.0**52)
    for fewer in range(digits):
        if bool((given == np.round(given, fewer)).all()):
            digits = fewer
            break
    scaled = np.rint(given * 10**digits).astype(np.int64)
    return Piece(f"n{digits}", len(scaled), varints(np.where(bad, 0, zigzag(scaled) + 1)))


def codes(places: Array) -> Piece:
    """Places in a list of words; negative ones are missing."""
    return Piece("c", len(places), varints(np.asarray(places, dtype=np.int64) + 1))


def texts(values: "pd.Series[Any]") -> Piece:
    """Texts as they are, missing ones kept apart from empty ones.

    >>> texts(pd.Series(["ab", None, ""], dtype="str")).data
    b'\\x03\\x00\\x01ab'
    """
    given = pa.array(values.astype("str").array, type=pa.large_string(), from_pandas=True)
    given = given.combine_chunks() if isinstance(given, pa.ChunkedArray) else given
    offsets = np.frombuffer(given.buffers()[1], dtype=np.int64)[given.offset : given.offset + len(given) + 1]
    held = given.buffers()[2]
    body = b"" if held is None else held.to_pybytes()[int(offsets[0]) : int(offsets[-1])]
    missing = np.asarray(given.is_null())
    return Piece("t", len(given), varints(np.where(missing, 0, np.diff(offsets) + 1)) + body)


def geometry(shapes: Array, kind: str, *, step: int = 1) -> Piece:
    """Shapes in degrees, longitude first; `kind` is ``point``, ``line`` or ``area``; none missing or empty.

    `step` is the grid in tenths of a metre that vertices are put on. Areas have their outer rings one way round and holes the other,
    rings without their closing vertex. Parts that are not of `kind` are not drawn.

    >>> geometry(np.array([shapely.Point(0, 0), shapely.Point(0.001, 0)]), "point").data
    b'\\x00\\x00\\xb2\\x11\\x00'
    """
    levels: list[Array] = []
    if kind == "point":
        coordinates = shapely.get_coordinates(shapes)
    else:
        flat = shapely.force_2d(shapes) if bool(shapely.has_z(shapes).any()) else shapes
        if kind == "area":
            flat = shapely.orient_polygons(flat)
        coordinates, levels = _levels(flat, kind)
    grid = np.rint(mercator(coordinates) / step).astype(np.int64)
    steps = np.diff(grid, axis=0, prepend=np.zeros((1, 2), dtype=np.int64))
    head = [step, *(len(level) for level in levels)]
    body = b"".join(varints(part) for part in (*levels, zigzag(steps).ravel()))
    return Piece(f"g{kind[0]}{','.join(map(str, head))}", len(shapes), body)


def _levels(shapes: Array, kind: str) -> tuple[Array, list[Array]]:
    """Vertices, and how many of them a ring has, rings a part and parts a feature; a level that is 1 throughout is left empty."""
    _, coordinates, offsets = shapely.to_ragged_array(shapes)
    levels = [np.diff(offset) for offset in offsets]
    if kind == "area":
        coordinates = np.delete(coordinates, np.asarray(offsets[0][1:]) - 1, axis=0)
        levels[0] = levels[0] - 1
    while len(levels) < 3:
        levels.append(np.array([], dtype=np.int64))
    if kind == "line":
        levels = [levels[0], np.array([], dtype=np.int64), levels[1]]
    return coordinates, [levels[0], *(np.zeros(0, np.int64) if (one == 1).all() else one for one in levels[1:])]


def mercator(degrees: Array) -> Array:
    """Longitudes and latitudes in tenths of a metre of EPSG:3857; latitudes beyond its square are put on its edge.

    >>> mercator(np.array([[180.0, 0.0]])).round().tolist()
    [[200375083.0, 0.0]]
    """
    radians = np.radians(np.clip(degrees, [-360, -_LATITUDE], [360, _LATITUDE]))
    return np.stack([radians[:, 0], np.arctanh(np.sin(radians[:, 1]))], axis=1) * (_RADIUS_M * 10)


def zigzag(values: Array) -> Array:
    """Signed whole numbers as unsigned ones.

    >>> zigzag(np.array([0, -1, 1, -2])).tolist()
    [0, 1, 2, 3]
    """
    signed = np.asarray(values, dtype=np.int64)
    return (signed << 1) ^ (signed >> 63)


def varints(values: Array) -> bytes:
    """Unsigned whole numbers, seven bits a byte, the lowest first; the highest bit says that another byte follows.

    >>> list(varints(np.array([0, 127, 128])))
    [0, 127, 128, 1]
    """
    given = np.asarray(values, dtype=np.uint64)
    many = np.ones(len(given), dtype=np.int64)
    limit = 7
    while limit < 64 and bool((longer := given >= np.uint64(1) << np.uint64(limit)).any()):
        many += longer
        limit += 7
    at = np.cumsum(many) - many
    out = np.zeros(int(many.sum()), dtype=np.uint8)
    for k in range(int(many.max(initial=0))):
        here = slice(None) if k == 0 else np.flatnonzero(many > k)
        rest = given[here] >> np.uint64(7 * k)
        out[at[here] + k] = (rest & np.uint64(127)).astype(np.uint8) | np.where(many[here] > k + 1, 128, 0).astype(
            np.uint8
        )
    return out.tobytes()


def packed(content: Any) -> str:
    """`content`, JSON with pieces in it, as base64 of one gzip stream; a piece that is there twice is stored once.

    The stream begins with four bytes, the length of the JSON that follows: ``pieces``, each its form, count and length in bytes, and
    ``content``, in which a number in a list of its own, ``{"@": 3}``, stands for the piece of that place. Then come the pieces.

    Raises
    ------
    OutputError
        A value that a page cannot hold.
    """
    places: dict[Piece, int] = {}

    def place(value: Any) -> dict[str, int]:
        if not isinstance(value, Piece):
            raise OutputError(f"A map page cannot hold {type(value).__name__}.")
        return {"@": places.setdefault(value, len(places))}

    told = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=place)
    kept: Sequence[Piece] = list(places)
    listed = json.dumps([[piece.form, piece.count, len(piece.data)] for piece in kept], separators=(",", ":"))
    head = f'{{"pieces":{listed},"content":{told}}}'.encode(errors="replace")
    body = b"".join([len(head).to_bytes(4, "little"), head, *(piece.data for piece in kept)])
    return base64.b64encode(gzip.compress(body, _LEVEL, mtime=0)).decode("ascii")
