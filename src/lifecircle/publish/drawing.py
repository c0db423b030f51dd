"""What the layers of a map are made with: one drawing that collects them, and how columns become what a page shows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from lifecircle.publish import archive, labels, symbols


@dataclass(frozen=True)
class Drawn:
    """A layer as the page is to show it: how, in which group, and whether from the start."""

    spec: dict[str, Any]
    group: str
    show: bool


class Drawing:
    """What is collected while layers are prepared: layers in drawing order, the search index, rankings."""

    def __init__(
        self, *, language: str, words: Mapping[str, str], tables: Mapping[str, pd.DataFrame] | None = None
    ) -> None:
        self.language = language
        self.words = words
        self.tables = tables or {}
        self.drawn: dict[str, Drawn] = {}
        self.index: list[dict[str, Any]] = []
        self.lists: list[dict[str, Any]] = []
        self.taken: set[str] = set()

    def say(self, zh: str, en: str) -> str:
        """Which of the two the map's language asks for."""
        return zh if self.language == "zh" else en

    def word(self, code: str) -> str:
        """What a code is called."""
        return labels.word(code, self.language, self.words)

    def heading(self, column: str) -> str:
        """What a column is called."""
        if column not in self.words and column in _HEADINGS:
            return self.say(*_HEADINGS[column])
        if column.startswith("walk_min_"):
            return self.word(column.removeprefix("walk_min_"))
        return labels.heading(column, self.language, self.words)

    def rule(self, code: str) -> str:
        """What a rule for land is called."""
        if code not in self.words and code in symbols.rules():
            return self.say(*symbols.rules()[code])
        return self.heading(code)

    def said(self, text: str) -> str:
        """A condition in words."""
        return labels.said(text, self.language, self.words)

    def fields(self, frame: pd.DataFrame, columns: Sequence[str], *, keep: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Columns as the page shows them, those the frame has."""
        made = [self.field(frame, column, keep=column in keep) for column in columns if column in frame]
        return [field for field in made if field is not None]

    def field(self, frame: pd.DataFrame, column: str, *, keep: bool = False) -> dict[str, Any] | None:
        """A column as the page shows it; None where nothing is known of it and it is not to be kept."""
        values = frame[column]
        if values.isna().all() and not keep:
            return None
        out: dict[str, Any] = {"l": self.heading(column)}
        if keep:
            out["keep"] = 1
        dtype = values.dtype
        if pd.api.types.is_bool_dtype(dtype):
            return out | {"t": "bool", "v": archive.numbers(values.astype("Int64"), digits=0)}
        if pd.api.types.is_numeric_dtype(dtype):
            if labels.is_share(column):
                return out | {"t": "share", "v": archive.numbers(values, digits=4)}
            kind = "year" if column.endswith("_year") or column == "rank" else "number"
            measured = labels.unit(column, self.language)
            whole = column.startswith((*_WHOLE, "_missed")) or column.endswith(("_m2", "_yuan"))
            held = archive.numbers(values, digits=0 if whole else 1 if column == "_area_ha" else 2)
            return out | {"t": kind, "v": held} | ({"u": measured} if measured else {})
        if pd.api.types.is_datetime64_any_dtype(dtype):
            return out | texts(values.dt.strftime("%Y-%m-%d"), None)
        word = self.word if column in labels.CODED else self.said if column.endswith("_value") else None
        return out | texts(values.astype("str"), word)

    def add(
        self,
        key: str,
        frame: gpd.GeoDataFrame,
        *,
        group: str,
        kind: str,
        name: str,
        classes: Sequence[dict[str, Any]],
        codes: "np.ndarray[Any, Any] | None" = None,
        title: Sequence[str] = (),
        tip: Sequence[str] = (),
        pop: Sequence[str] | None = None,
        keep: Sequence[str] = (),
        show: bool = False,
        rank: int = 5,
        more: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        step: int = 1,
    ) -> None:
        """Add a layer above those added before; classes nothing belongs to are dropped; vertices keep `step` tenths of a metre."""
        if codes is not None:
            present, codes = np.unique(codes, return_inverse=True)
            classes = [classes[place] for place in present.tolist()]
        spec: dict[str, Any] = {
            "name": name,
            "kind": kind,
            "rank": rank,
            "geo": archive.geometry(np.asarray(frame.geometry.array), kind, step=step),
            "classes": list(classes),
            "title": self.fields(frame, title),
            "tip": self.fields(frame, tip, keep=keep),
        }
        if codes is not None and len(classes) > 1:
            spec["cls"] = archive.whole(codes)
        if pop is not None:
            spec["pop"] = {"fields": self.fields(frame, pop, keep=keep), **(more or {})}
        spec |= extra or {}
        self.drawn[key] = Drawn(spec, group, show)

    def find(self, key: str, frame: pd.DataFrame, names: "pd.Series[str]", *, what: str) -> None:
        """Let the search find rows of the layer `key` by `names`; a name that is taken is told apart by its id."""
        names = names.reset_index(drop=True)
        ids = pd.Series(frame.index.astype("str"))
        double = names.duplicated(keep=False) | names.isin(self.taken)
        names = names.mask(double, names + " (" + ids + ")")
        self.taken |= set(names.dropna())
        self.index.append({"key": key, "kind": what, "names": archive.texts(names)})

    def ranking(self, key: str, title: str, rows: pd.DataFrame, *, first: bool = False) -> None:
        """A list beside the map, a row a feature of the layer `key`: its place in the layer (``at``), ``name``, ``value`` and ``more``."""
        cells = rows.reindex(columns=["at", "name", "value", "more"])
        cells = cells.assign(**{c: cells[c].astype("str").fillna("") for c in ("name", "value", "more")})
        if len(cells):
            made = {"key": key, "title": title, "rows": cells.to_numpy(dtype=object).tolist()}
            self.lists.insert(0 if first else len(self.lists), made)


_WHOLE = ("residents", "dwellings", "elderly", "children")
_HEADINGS: Mapping[str, tuple[str, str]] = {
    "_id": ("编号", "Id"),
    "_use": ("用地类型", "Land use"),
    "_status": ("判定", "Result"),
    "_reasons": ("理由", "Reasons"),
    "_kind": ("类别", "Kind"),
    "_title": ("名称", "Name"),
    "_missed": ("缺口人次合计", "People × missing kinds"),
    "_area_ha": ("面积", "Area"),
    "_missing": ("缺少的设施", "Missing"),
    "_overall": ("排序（全部层级）", "Rank among all tiers"),
    "_within_min": ("步行时间不超过", "Walk of up to"),
    "_worst_min": ("到其中最缺设施的步行时间", "Walk to the one most people lack"),
}


def listed(values: "pd.Series[Any]") -> list[Any]:
    """The values as JSON has them: missing ones None, whole numbers without a decimal point."""
    missing = values.isna().to_numpy(dtype=bool)
    if pd.api.types.is_float_dtype(values.dtype):
        numbers = values.to_numpy(dtype="float64", na_value=np.nan)
        bad = missing | ~np.isfinite(numbers)
        if bool((np.isfinite(numbers) & (numbers == np.rint(numbers)) | bad).all()):
            numbers = np.where(bad, 0, numbers).astype(np.int64)
        out = numbers.astype(object)
        out[bad] = None
        return list(out.tolist())
    out = np.array(values.to_numpy(dtype=object))
    out[missing] = None
    return list(out.tolist())


def texts(values: "pd.Series[str]", word: Callable[[str], str] | None) -> dict[str, Any]:
    """Texts, each different one stored once where that is shorter."""
    codes, unique = pd.factorize(values)
    if word is None and len(unique) > 0.6 * len(values):
        return {"t": "text", "v": archive.texts(values)}
    said = [str(text) if word is None else word(str(text)) for text in unique]
    return {"t": "text", "w": said, "v": archive.codes(codes)}


def only(frame: gpd.GeoDataFrame, kind: str) -> gpd.GeoDataFrame:
    """The rows whose geometry can be drawn as `kind`; for points every row, at a point inside it."""
    kinds = frame.geom_type
    if kind == "point":
        inside = frame.geometry.where(kinds == "Point", frame.representative_point())
        return frame.set_geometry(inside)
    allowed = {"line": ("LineString", "MultiLineString"), "area": ("Polygon", "MultiPolygon")}[kind]
    return frame[kinds.isin(allowed)]


def codes_of(values: "pd.Series[Any]", order: Sequence[str], *, other: int) -> "np.ndarray[Any, Any]":
    """The place of each value in `order`; `other` for what is not in it or missing."""
    places = pd.Index(order).get_indexer(pd.Index(values.astype("str")))
    return np.where(places < 0, other, places)


def tenths(
    sheet: Drawing, share: "pd.Series[float]", look: Mapping[str, Any]
) -> "tuple[list[dict[str, Any]], np.ndarray[Any, Any]]":
    """Classes of ten per cent, the highest first and *not known* last, and the class of each share."""
    colours = symbols.ramp(symbols.COMPLETENESS, 10)
    classes = [{"l": f"{10 * k}–{10 * k + 10} %", "c": colours[k], **look} for k in range(9, -1, -1)]
    classes.append({"l": sheet.say("未知", "Not known"), "c": symbols.UNKNOWN, **look})
    step = np.clip(np.floor(share.fillna(0) * 10 + 1e-9), 0, 9).astype(int)
    return classes, np.where(share.isna(), 10, 9 - step)


def named(frame: pd.DataFrame) -> "pd.Series[str]":
    """Names, and the id where there is none."""
    ids = pd.Series(frame.index.astype("str"), index=frame.index, dtype="str")
    return frame["name"].astype("str").fillna(ids) if "name" in frame else ids
