"""What a recipe may call a layer, the columns it may name there, and the endings that decide the reader."""

from __future__ import annotations

from lifecircle import schema

RASTERS = (".tif", ".tiff", ".img", ".vrt", ".asc", ".hgt")
OSM = (".osm", ".osm.bz2", ".osm.gz", ".osm.pbf", ".pbf")


def is_layer(name: str) -> bool:
    """Whether `name` is a canonical table, population or elevation; anything else is a register.

    >>> is_layer("parcels"), is_layer("population"), is_layer("tax")
    (True, True, False)
    """
    return name in schema.TABLES or name in ("population", "elevation")


def index_of(table: str) -> str:
    """The name of the column that holds a row's number in `table`.

    >>> index_of("parcels"), index_of("population")
    ('parcel_id', 'population_id')
    """
    return schema.TABLES[table].index if table in schema.TABLES else f"{table}_id"


def canonical(table: str) -> dict[str, schema.Column]:
    """The columns a recipe may name for `table`: its number (parcel_id and the like) and those of the schema.

    >>> list(canonical("gates"))
    ['gate_id', 'name', 'state']
    >>> list(canonical("population"))
    ['population_id', 'residents', 'elderly', 'children']
    """
    if table == "population":
        homes = schema.TABLES["homes"].columns
        columns = {column: homes[column] for column in ("residents", "elderly", "children")}
    elif table in schema.TABLES:
        columns = {column: spec for column, spec in schema.TABLES[table].columns.items() if column != "source"}
    else:
        return {}
    return {index_of(table): schema.Column(dtype="text"), **columns}


def geometries(table: str) -> tuple[str, ...]:
    """The geometry types a row of `table` may have."""
    return schema.TABLES[table].geometry if table in schema.TABLES else ("Polygon", "MultiPolygon", "Point")
