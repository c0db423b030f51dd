"""The canonical tables: columns, units and geometry of everything that passes between the stages.

Units stand in the column names: ``_m``, ``_m2``, ``_mm``, ``_yuan``, ``_year``, ``_min``; ``share`` runs from 0 to 1. A
missing value is NaN (text, number), NA (yes or no) or NaT (date) and always means *not known*.
"""

from dataclasses import dataclass, field
from typing import Any, Literal, cast

import geopandas as gpd
import numpy as np
import pandas as pd

from lifecircle.errors import SchemaError

Dtype = Literal["text", "number", "bool", "date"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a canonical table: its type, unit and the values it may take."""

    dtype: Dtype
    unit: str = ""
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Table:
    """One canonical table: the name of its index, the geometry it holds and its columns."""

    name: str
    index: str
    geometry: tuple[str, ...]
    columns: dict[str, Column] = field(default_factory=dict)


def _text(*allowed: str, required: bool = False) -> Column:
    return Column(dtype="text", allowed=allowed, required=required)


def _number(unit: str, minimum: float | None = 0.0, maximum: float | None = None) -> Column:
    return Column(dtype="number", unit=unit, minimum=minimum, maximum=maximum)


def _level() -> Column:
    return _number("m", minimum=None)


_BOOL = Column(dtype="bool")
_DATE = Column(dtype="date")
_YEAR = _number("year", minimum=1000, maximum=2200)
_SHARE = _number("share", maximum=1.0)
_POINT = ("Point",)
_LINE = ("LineString", "MultiLineString")
_POLYGON = ("Polygon", "MultiPolygon")
NETWORKS = ("gas", "water", "sewage", "storm", "combined", "heat", "power", "telecom")
LAND_USE_EDITIONS = ("sandiao_2019", "yonghai_2020", "yonghai_2023")
TIERS = (5, 10, 15)
CONSTRAINTS = ("farmland", "ecology", "heritage", "hazard")


def _table(table: str, index: str, geometry: tuple[str, ...], /, **columns: Column) -> Table:
    return Table(name=table, index=index, geometry=geometry, columns={**columns, "source": _text()})


TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        _table(
            "areas",
            "area_id",
            _POLYGON,
            name=_text(),
            level=_text("community", "street", "town", required=True),
        ),
        _table(
            "homes",
            "home_id",
            _POINT,
            name=_text(),
            residents=_number("people"),
            elderly=_number("people"),
            children=_number("people"),
            dwellings=_number("dwellings"),
            area_id=_text(),
            building_id=_text(),
        ),
        _table(
            "facilities",
            "facility_id",
            _POINT,
            name=_text(),
            kind=_text(required=True),
            floor_area_m2=_number("m2"),
            site_area_m2=_number("m2"),
            capacity=_number("places"),
        ),
        _table(
            "entrances",
            "entrance_id",
            _POINT,
            of_table=_text("facilities", "parks", "buildings", "assets", required=True),
            of_id=_text(required=True),
        ),
        Table(
            name="streets",
            index="street_id",
            geometry=_LINE,
            columns={
                "name": _text(),
                "class": _text(),
                "walkable": _BOOL,
                "bridge": _BOOL,
                "tunnel": _BOOL,
                "layer": _number("level", minimum=None),
                "width_m": _number("m"),
                "grade": _number("share", minimum=None),
                "source": _text(),
            },
        ),
        _table("barriers", "barrier_id", _LINE, name=_text(), kind=_text()),
        _table("gates", "gate_id", _POINT, name=_text(), state=_text("open", "closed")),
        _table(
            "parcels",
            "parcel_id",
            _POLYGON,
            name=_text(),
            land_use=_text(),
            land_use_edition=_text(*LAND_USE_EDITIONS),
            site_area_m2=_number("m2"),
            floor_area_m2=_number("m2"),
            far=_number("ratio"),
            built_year=_YEAR,
            industry=_text(),
            tax_yuan=_number("yuan"),
            output_yuan=_number("yuan"),
            invested_share=_SHARE,
            developed_share=_SHARE,
            approved_date=_DATE,
            supply_date=_DATE,
            start_due_date=_DATE,
            started_date=_DATE,
            stopped_since=_DATE,
            in_scope=_BOOL,
        ),
        _table(
            "buildings",
            "building_id",
            _POLYGON,
            name=_text(),
            floors=_number("floors"),
            floors_below=_number("floors"),
            floor_area_m2=_number("m2"),
            built_year=_YEAR,
            use=_text(),
            danger_class=_text("A", "B", "C", "D"),
            vacant=_BOOL,
            dwellings=_number("dwellings"),
            parcel_id=_text(),
        ),
        _table(
            "assets",
            "asset_id",
            (*_POINT, *_POLYGON),
            name=_text(),
            asset_kind=_text(),
            floor_area_m2=_number("m2"),
            ground_floor_area_m2=_number("m2"),
            site_area_m2=_number("m2"),
            clear_height_m=_number("m"),
            floors=_number("floors"),
            floors_below=_number("floors"),
            lowest_floor=_number("floor", minimum=None),
            danger_class=_text("A", "B", "C", "D"),
            title_clear=_BOOL,
            vacant_since=_DATE,
            parcel_id=_text(),
        ),
        _table(
            "pipes",
            "pipe_id",
            _LINE,
            name=_text(),
            network=_text(*NETWORKS, required=True),
            material=_text(),
            diameter_mm=_number("mm"),
            built_year=_YEAR,
            invert_up_m=_level(),
            invert_down_m=_level(),
            cover_m=_level(),
            assessed_risk=_BOOL,
            from_node=_text(),
            to_node=_text(),
        ),
        _table(
            "pipe_nodes",
            "node_id",
            _POINT,
            kind=_text(),
            ground_m=_level(),
            invert_m=_level(),
            network=_text(*NETWORKS),
        ),
        _table("parks", "park_id", _POLYGON, name=_text(), kind=_text(), site_area_m2=_number("m2")),
        _table(
            "usage",
            "usage_id",
            (),
            of_table=_text("parcels", "buildings", "assets", required=True),
            of_id=_text(required=True),
            period=_text(),
            quantity=_number("see unit"),
            unit=_text(),
        ),
        _table(
            "constraints",
            "constraint_id",
            _POLYGON,
            name=_text(),
            kind=_text(*CONSTRAINTS, required=True),
        ),
        _table(
            "projects",
            "project_id",
            _POLYGON,
            name=_text(),
            kind=_text(),
            year=_YEAR,
            demolished_m2=_number("m2"),
            built_m2=_number("m2"),
        ),
    )
}


def conform(name: str, frame: gpd.GeoDataFrame | pd.DataFrame) -> gpd.GeoDataFrame | pd.DataFrame:
    """The canonical columns of `name` in their canonical order and types; columns it lacks are added as missing.

    Columns the schema does not know are left behind: the raw layer keeps them.

    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> gate = gpd.GeoDataFrame({"state": ["open"]}, geometry=[Point(0, 0)], crs=4547)
    >>> list(conform("gates", gate).columns)
    ['name', 'state', 'source', 'geometry']
    """
    table = TABLES[name]
    columns = {
        column: _cast(frame[column] if column in frame else None, spec.dtype, frame.index)
        for column, spec in table.columns.items()
    }
    out = pd.DataFrame(columns, index=frame.index)
    out.index = pd.Index(out.index.astype("str"), name=table.index)
    if not table.geometry:
        return out
    shapes = cast(gpd.GeoDataFrame, frame).geometry
    return gpd.GeoDataFrame(out, geometry=np.asarray(shapes.array), crs=shapes.crs)


def _cast(values: "pd.Series[Any] | None", dtype: Dtype, index: "pd.Index[Any]") -> "pd.Series[Any]":
    target: Any = {"text": "str", "number": "float64", "bool": "boolean", "date": "datetime64[s]"}[dtype]
    if values is None:
        values = pd.Series(None, index=index, dtype="object")
    return values.astype(target)


def check(name: str, frame: gpd.GeoDataFrame | pd.DataFrame) -> None:
    """Refuse a frame that is not the canonical table `name`.

    Raises
    ------
    SchemaError
        Listing every breach at once: a missing or mistyped column, a value outside its range or list, an index that is
        unnamed or not unique, a missing, empty, invalid or wrong geometry, a system that is not projected in metres.
    """
    table = TABLES[name]
    breaches = _index_breaches(table, frame) + _column_breaches(table, frame)
    if table.geometry:
        breaches += _geometry_breaches(table, frame)
    if breaches:
        raise SchemaError(name, breaches)


def _index_breaches(table: Table, frame: pd.DataFrame) -> list[str]:
    breaches = []
    if frame.index.name != table.index:
        breaches.append(f"the index is named {frame.index.name!r}, not {table.index!r}")
    if not frame.index.is_unique:
        twice = frame.index[frame.index.duplicated()]
        breaches.append(f"index {table.index}: {len(twice)} repeated ({_some(twice)})")
    if frame.index.hasnans:
        breaches.append(f"index {table.index}: missing values")
    return breaches


def _column_breaches(table: Table, frame: pd.DataFrame) -> list[str]:
    import pandera.pandas as pa

    types: dict[Dtype, Any] = {"text": "str", "number": "float64", "bool": "boolean", "date": "datetime64[s]"}
    columns = {}
    for column, spec in table.columns.items():
        checks = []
        if spec.minimum is not None:
            checks.append(pa.Check.ge(spec.minimum, error=f"below {spec.minimum:g} {spec.unit}"))
        if spec.maximum is not None:
            checks.append(pa.Check.le(spec.maximum, error=f"above {spec.maximum:g} {spec.unit}"))
        if spec.allowed:
            checks.append(pa.Check.isin(spec.allowed, error=f"not one of {', '.join(spec.allowed)}"))
        columns[column] = pa.Column(types[spec.dtype], checks, nullable=not spec.required)
    try:
        pa.DataFrameSchema(columns).validate(pd.DataFrame(frame), lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        return [_said(str(column), group) for column, group in cases.groupby("column", sort=True, dropna=False)]
    return []


def _said(column: str, cases: pd.DataFrame) -> str:
    said = []
    for check_name, group in cases.groupby("check", sort=True):
        rows = group["index"].dropna()
        if str(check_name) == "column_in_dataframe":
            column = str(group["failure_case"].iloc[0])
            said.append("is missing")
        elif len(rows):
            what = "missing" if check_name == "not_nullable" else str(check_name)
            said.append(f"{len(rows)} value{'s' if len(rows) > 1 else ''} {what} (row {_some(rows)})")
        else:
            said.append(f"has type {group['failure_case'].iloc[0]}, not {check_name}")
    return f"column {column}: {'; '.join(said)}"


def _geometry_breaches(table: Table, frame: pd.DataFrame) -> list[str]:
    if not isinstance(frame, gpd.GeoDataFrame):
        return ["has no geometry"]
    shapes, breaches = frame.geometry, []
    wrong = {
        "missing or empty": shapes.isna() | shapes.is_empty,
        f"not {' or '.join(table.geometry)}": ~shapes.geom_type.isin(table.geometry) & shapes.notna(),
        "invalid": ~shapes.is_valid & shapes.notna(),
    }
    for what, rows in wrong.items():
        if rows.any():
            breaches.append(f"geometry: {int(rows.sum())} {what} (row {_some(frame.index[rows])})")
    breaches += crs_breaches(frame.crs)
    return breaches


def crs_breaches(crs: Any) -> list[str]:
    """Why `crs` cannot be a study's system: an empty list where it is projected and in metres.

    >>> from pyproj import CRS
    >>> crs_breaches(CRS(4547)), crs_breaches(CRS(2272))
    ([], ['the coordinate system EPSG:2272 counts in US survey foot, not in metres'])
    """
    if crs is None:
        return ["the coordinate system is not known"]
    label = crs.to_string() if len(crs.to_string()) < 40 else crs.name
    if not crs.is_projected:
        return [f"the coordinate system {label} is not projected; a study needs one in metres"]
    unit = crs.axis_info[0].unit_name
    return [] if unit == "metre" else [f"the coordinate system {label} counts in {unit}, not in metres"]


def _some(rows: Any, most: int = 3) -> str:
    listed = [str(row) for row in list(rows)[:most]]
    return ", ".join(listed) + (", …" if len(rows) > most else "")


def check_numbers(numbers: "pd.Series[Any]", name: str) -> None:
    """Refuse numbers that repeat an id, are below 0 or infinite; not known (NaN) is no fault.

    >>> check_numbers(pd.Series([1.0, -2.0], index=["a", "b"]), "residents")
    Traceback (most recent call last):
    lifecircle.errors.SchemaError: residents: 1 values below 0 (first: 'b')

    Raises
    ------
    SchemaError
        Listing each of these faults.
    """
    values = numbers.to_numpy(dtype="float64")
    faults = []
    if not numbers.index.is_unique:
        faults.append(f"the id {numbers.index[numbers.index.duplicated()][0]!r} repeats")
    if (values < 0).any():
        faults.append(
            f"{int((values < 0).sum())} values below 0 (first: {numbers.index[int(np.argmax(values < 0))]!r})"
        )
    if np.isinf(values).any():
        faults.append(f"{int(np.isinf(values).sum())} values are infinite")
    if faults:
        raise SchemaError(name, faults)


def rows_of(ids: "pd.Series[Any]", index: "pd.Index[Any]") -> "np.ndarray[Any, np.dtype[np.int64]]":
    """The row of each id in `index`, -1 where it has none; each distinct id is looked up once.

    >>> rows_of(pd.Series(["b", "x", "b", None]), pd.Index(["a", "b"])).tolist()
    [1, -1, 1, -1]
    """
    codes, distinct = pd.factorize(ids)
    rows: np.ndarray[Any, np.dtype[np.int64]] = np.append(index.get_indexer(pd.Index(distinct)), -1)[codes]
    return rows
