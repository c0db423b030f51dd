"""A second reader of what a map page carries, written from the description of the archive alone."""

import base64
import gzip
import itertools
import json
import re
from typing import Any

import numpy as np
import shapely

HALF = 200375083.4  # tenths of a metre from the middle of the map's square to its edge


def numbers(data: bytes, many: int, at: int = 0) -> tuple[list[int], int]:
    """So many numbers of seven bits a byte, and where they end."""
    out = []
    for _ in range(many):
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        out.append(value)
    return out, at


def signed(value: int) -> int:
    return -(value + 1) // 2 if value % 2 else value // 2


def column(form: str, many: int, data: bytes) -> Any:
    """A piece as a list; geometry as a dictionary of its parts."""
    if form == "b":
        return data
    if form == "t":
        lengths, at = numbers(data, many)
        out: list[Any] = []
        for length in lengths:
            out.append(data[at : at + length - 1].decode() if length else None)
            at += max(0, length - 1)
        return out
    if form[0] == "g":
        step, *sizes = map(int, form[2:].split(","))
        levels, at = [], 0
        for size in sizes:
            level, at = numbers(data, size, at)
            levels.append(level)
        total = sum(levels[0]) if levels and levels[0] else many
        pairs = np.array([signed(value) for value in numbers(data, 2 * total, at)[0]]).reshape(-1, 2)
        return {"kind": form[1], "n": many, "levels": levels, "at": pairs.cumsum(axis=0) * step}
    values, _ = numbers(data, many)
    if form == "u":
        return values
    if form == "c":
        return [value - 1 if value else None for value in values]
    unit = 10 ** int(form[1:])
    return [signed(value - 1) / unit if value else None for value in values]


def content_of(html: str) -> dict[str, Any]:
    """What the page carries, every reference replaced by the piece it stands for."""
    held = re.search(r'<script type="text/plain" id="lifecircle-data">([^<]*)</script>', html)
    raw = gzip.decompress(base64.b64decode(held[1]))
    size = int.from_bytes(raw[:4], "little")
    head, at, pieces = json.loads(raw[4 : 4 + size]), 4 + size, []
    for form, many, length in head["pieces"]:
        pieces.append(column(form, many, raw[at : at + length]))
        at += length
    assert at == len(raw)

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            if set(value) == {"@"}:
                return pieces[value["@"]]
            return {key: filled(one) for key, one in value.items()}
        return [filled(one) for one in value] if isinstance(value, list) else value

    return filled(head["content"]) | {"pieces": head["pieces"]}


def spec_of(html: str, key: str, language: int = 0) -> dict[str, Any]:
    """The table of one layer."""
    return content_of(html)["layers"][key][language]


def page_of(html: str, language: int = 0) -> dict[str, Any]:
    return content_of(html)["pages"][language]


def keys_of(html: str) -> list[str]:
    return list(content_of(html)["layers"])


def words_of(field: dict[str, Any]) -> list[Any]:
    """The values of a column of texts."""
    return [None if code is None else field["w"][code] for code in field["v"]] if "w" in field else field["v"]


def degrees(at: Any) -> Any:
    """Longitudes and latitudes of vertices: the map's projection undone."""
    metres = np.asarray(at, dtype=float) / 10
    radius = 6378137.0
    return np.stack(
        [np.degrees(metres[:, 0] / radius), np.degrees(2 * np.arctan(np.exp(metres[:, 1] / radius)) - np.pi / 2)],
        axis=1,
    )


def shapes_of(geo: dict[str, Any]) -> list[Any]:
    """Shapes in degrees."""
    spots, (rings_of, parts_of, features_of) = degrees(geo["at"]), (*geo["levels"], [], [], [])[:3]
    if geo["kind"] == "p":
        return list(shapely.points(spots))
    ends = np.cumsum([0, *rings_of])
    rings = [spots[a:b] for a, b in itertools.pairwise(ends)]
    if geo["kind"] == "l":
        parts = [shapely.LineString(ring) for ring in rings]
    else:
        ends = np.cumsum([0, *(parts_of or [1] * len(rings))])
        parts = [shapely.Polygon(rings[a], rings[a + 1 : b]) for a, b in itertools.pairwise(ends)]
    ends = np.cumsum([0, *(features_of or [1] * len(parts))])
    return [shapely.union_all(parts[a:b]) for a, b in itertools.pairwise(ends)]
