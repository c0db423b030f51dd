"""Files read exactly as they are: raw column names, raw values, the rows in their order."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from lifecircle import standards
from lifecircle.errors import CrsError, SourceError
from lifecircle.load import coordinates, graphs
from lifecircle.load.dbf import encoding_of

if TYPE_CHECKING:
    from lifecircle.load.recipe import Source

TEXT = (".csv", ".tsv", ".txt")
SHEETS = (".xlsx", ".xlsm")
_NO_READER = {
    ".xls": "save it as .xlsx first",
    ".mdb": "an Access geodatabase needs ArcGIS; export it as a file geodatabase or GeoPackage",
    ".dwg": "a DWG drawing cannot be opened; save it as DXF",
    ".vct": "a VCT exchange file cannot be opened; export it as a shapefile or GeoPackage",
}
# heading (as `standards.normal` leaves it) -> axis; what a Chinese survey calls X is the northing, see `_placed`
_EAST = (
    "x",
    "lon",
    "lng",
    "long",
    "longitude",
    "经度",
    "x坐标",
    "坐标x",
    "横坐标",
    "东坐标",
    "easting",
    "east",
    "e",
    "coord_x",
    "point_x",
    "xcoord",
    "lon_wgs84",
    "gcj_lon",
    "gcj_lng",
    "bd_lon",
    "bd_lng",
    "中心点经度",
    "东经",
    "东向坐标",
)
_NORTH = (
    "y",
    "lat",
    "latitude",
    "纬度",
    "y坐标",
    "坐标y",
    "纵坐标",
    "北坐标",
    "northing",
    "north",
    "n",
    "coord_y",
    "point_y",
    "ycoord",
    "lat_wgs84",
    "gcj_lat",
    "bd_lat",
    "中心点纬度",
    "北纬",
    "北向坐标",
)
_BOTH = (
    "坐标",
    "经纬度",
    "location",
    "lonlat",
    "lnglat",
    "coordinates",
    "coordinate",
    "coords",
    "latlon",
    "latlng",
    "lon,lat",
    "lng,lat",
    "lat,lon",
    "x,y",
    "经度,纬度",
    "高德坐标",
    "百度坐标",
    "gps坐标",
    "位置坐标",
)
_WKT = ("wkt", "geometry", "geom", "the_geom")
_WEAK = ("e", "n", "east", "north")  # words that need numbers below them to be headings of coordinates
_SHAPE = r"\s*(MULTI)?(POINT|LINESTRING|POLYGON)"
_CURVED = r"CURVE|CIRCULARSTRING|SURFACE|TIN|TRIANGLE"  # what GEOS cannot read, or reads only to refuse it
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")
_BRACKET = re.compile(r"[(（\[【][^()（）\[\]【】]*[)）\]】]$")
_QUOTES = "close it, double it or take it out"
_END = "\x00"  # a line after the last one: where a quote is still open, it ends up inside the cell


def read(source: Source, *, folder: str | Path) -> tuple[pd.DataFrame, int]:
    """The rows of one source, untouched, after the recipe's own filter, and the number of rows the filter took out.

    Parameters
    ----------
    source
        One source of a recipe (`lifecircle.load.recipe.Source`).
    folder
        The folder that `source.source` is relative to.

    Returns
    -------
    frame
        A GeoDataFrame where the file has geometry or coordinates, else a DataFrame. The index, named ``row``, is the
        1-based number of the row in the file (below the heading, empty lines counted). `.crs` is set where the file, or the recipe, says it;
        GCJ-02 and BD-09 are no systems of PROJ: their points come as they stand, with `.crs` None.
        Cells of CSV and Excel files are text, an empty cell is missing. `frame.attrs` holds the ``encoding`` and a list
        of ``notes`` (code, count) and is read at once by `normalise`, since nothing else keeps it.
    filtered
        Rows left out by ``filter`` and ``exclude``.

    Raises
    ------
    SourceError
        A file, layer, sheet or column that is not there or cannot be read; a quotation mark that swallows rows.
    CrsError
        Coordinates without a system, or ones that contradict it.

    Examples
    --------
    >>> from lifecircle import sample_town
    >>> from lifecircle.load.recipe import Source
    >>> firms, filtered = read(Source(source="raw/企业税收.xlsx", layer="税收"), folder=sample_town())
    >>> list(firms.columns)[:2], len(firms), filtered
    (['地块编号', '企业名称'], 125, 0)
    """
    path = Path(folder) / source.source
    suffix = source.suffix
    if suffix in _NO_READER:
        raise SourceError(f"{path.name}: {_NO_READER[suffix]}")
    if not _there(path, source.source):
        raise SourceError(f"{source.source}: there is no such file")
    if path.is_dir() and suffix != ".gdb":
        raise SourceError(f"{source.source}: is a folder; name a file in it")
    if source.osm is not None:
        from lifecircle.load.osm import osm

        frame = cast(pd.DataFrame, osm(path, source.osm))
    elif suffix == graphs.ENDING:
        frame = cast(pd.DataFrame, graphs.graph(path))
    elif suffix in TEXT or suffix in SHEETS:
        frame = _placed(_table(path, source), source, path.name)
    else:
        frame = _vector(path, source)
    if frame.index.name != "row":  # tables and drawings know their own: not every line of them is a row
        frame.index = pd.RangeIndex(1, len(frame) + 1, name="row")
    if isinstance(frame, gpd.GeoDataFrame):
        frame = _checked(frame, source, path.name)
    return _filtered(frame, source, path.name)


def _there(path: Path, name: str) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError) as error:  # a name too long for the disk, or with a character no name may have
        raise SourceError(f"{name[:200]}: cannot be looked up ({_short(error)[:80]})") from error


def as_text(values: pd.Series[Any]) -> pd.Series[Any]:
    """Cells as a person reads them: trimmed, 12.0 as 12, dates as 2025-12-31; empty ones are missing.

    >>> as_text(pd.Series([12.0, 3.5, None])).tolist()
    ['12', '3.5', nan]
    """
    if pd.api.types.is_datetime64_any_dtype(values):
        return cast("pd.Series[Any]", values.dt.strftime("%Y-%m-%d").astype("str"))
    if pd.api.types.is_bool_dtype(values):
        return values.astype("object").map({True: "true", False: "false"}).astype("str")
    if pd.api.types.is_numeric_dtype(values):
        numbers = values.astype("float64").to_numpy()
        whole = np.isfinite(numbers) & (numbers == np.trunc(numbers)) & (np.abs(numbers) < 2**53)
        out = pd.Series(numbers, index=values.index).astype("str")
        if whole.any():
            out = out.where(
                ~whole, pd.Series(np.where(whole, numbers, 0).astype("int64"), index=values.index).astype("str")
            )
        if pd.api.types.is_integer_dtype(values):  # beyond 2**53 a float would change the digits of an id
            out = values.astype("str")
        return out.where(values.notna()).astype("str")
    text = values.astype("str").str.strip()
    return text.where(text.ne("")).astype("str")


def _filtered(frame: pd.DataFrame, source: Source, name: str) -> tuple[pd.DataFrame, int]:
    kept = pd.Series(True, index=frame.index)
    for part, keep in ((source.filter, True), (source.exclude, False)):
        for column, words in part.items():
            if column not in frame.columns:
                raise SourceError(f"{name}: has no column {column!r} to filter by; it has {_listed(frame)}")
            kept &= as_text(frame[column]).isin([word.strip() for word in words]) == keep
    if kept.all():
        return frame, 0
    attrs = frame.attrs
    frame = frame[kept]
    frame.attrs = attrs
    return frame, int((~kept).sum())


def _vector(path: Path, source: Source) -> pd.DataFrame:
    import pyogrio
    from pyogrio.errors import DataSourceError

    layer = source.layer
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            layers = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
            drawing = path.suffix.lower() == ".dxf"
            inside = None if drawing else _layer(layers, layer, path.name)
            options: dict[str, Any] = {}
            encoding = source.encoding
            notes: list[tuple[str, int]] = []
            if path.suffix.lower() == ".shp":
                encoding, lied = encoding_of(path, forced=encoding)
                notes += [("encoding_lied", 1)] if lied else []
            if encoding is not None:
                options["encoding"] = encoding
            if drawing:
                options["CLOSED_LINE_AS_POLYGON"] = "YES"
            try:
                frame = pyogrio.read_dataframe(path, layer=inside, use_arrow=True, fid_as_index=True, **options)
                if path.suffix.lower() == ".gpkg":  # GDAL repeats rows where the file counts more than it holds
                    frame = frame[~frame.index.duplicated()]
            except NotImplementedError:  # arcs and curves: GDAL turns them into lines only on its other way out
                frame = pyogrio.read_dataframe(path, layer=inside, use_arrow=False, fid_as_index=False, **options)
            except UnicodeDecodeError:
                if path.suffix.lower() != ".shp" or encoding is None:
                    raise
                frame = _cut_text(path, encoding)
    except (DataSourceError, OSError) as error:
        raise SourceError(f"{path.name}: cannot be read ({_short(error)})") from error
    except (UnicodeDecodeError, LookupError) as error:
        raise SourceError(
            f"{path.name}: its text is not {encoding or 'UTF-8'} ({_short(error)}); set encoding in study.toml"
        ) from error
    frame = frame.set_axis(pd.RangeIndex(1, len(frame) + 1, name="row"))
    if drawing and layer is not None and "Layer" in frame:
        known = sorted(frame["Layer"].dropna().unique())
        frame = frame[frame["Layer"] == layer]
        if frame.empty:
            raise SourceError(f"{path.name}: has no layer {layer!r}; it has {', '.join(known[:20])}")
    frame.attrs = {"encoding": encoding or "UTF-8", "notes": notes}
    return cast(pd.DataFrame, frame)


def _cut_text(path: Path, encoding: str) -> pd.DataFrame:
    """A shapefile whose names or cells were cut in the middle of a character: the half character is left out."""
    import pyogrio

    frame = pyogrio.read_dataframe(path, encoding="ISO-8859-1", use_arrow=True)
    for column in frame.columns.drop("geometry", errors="ignore"):
        if pd.api.types.is_string_dtype(frame[column]):
            frame[column] = frame[column].str.encode("latin-1").str.decode(encoding, errors="ignore").astype("str")
    names = [str(name).encode("latin-1").decode(encoding, errors="ignore") for name in frame.columns]
    return cast(pd.DataFrame, frame.set_axis(_unique(names), axis=1))


def _layer(layers: list[str], wanted: str | None, name: str) -> str | None:
    if not layers:
        raise SourceError(f"{name}: holds no layer")
    if wanted is None and len(layers) > 1:
        raise SourceError(
            f"{name}: holds {len(layers)} layers ({', '.join(layers[:20])}); name one as layer in study.toml"
        )
    if wanted is not None and wanted not in layers:
        raise SourceError(f"{name}: has no layer {wanted!r}; it has {', '.join(layers[:20])}")
    return wanted


def _table(path: Path, source: Source) -> pd.DataFrame:
    if path.suffix.lower() in SHEETS:
        rows, encoding, notes = *_sheet(path, source.layer), _formulas(path, source.layer)
        decimal_comma = False
    else:
        rows, encoding, delimiter = _lines(path, source.encoding)
        decimal_comma, notes = delimiter == ";", []
    lines = [(number, row) for number, row in enumerate(rows) if any(row)]
    if not lines:
        raise SourceError(f"{path.name}: is empty")
    width = max(len(row) for _, row in lines)
    numbers = [number for number, _ in lines]
    rows = [row + [""] * (width - len(row)) for _, row in lines]
    head, body, above = _heading(rows, source)
    notes = notes + above
    first = len(rows) - len(body)  # the first row below the heading
    start = numbers[first - 1] if first else numbers[0] - 1
    head = _unique([cell or f"column {number + 1}" for number, cell in enumerate(head)])
    cells = np.array(body, dtype=object).reshape(len(body), width)
    index = pd.Index([number - start for number in numbers[first:]], dtype="int64", name="row")
    frame = pd.DataFrame({name: pd.Series(cells[:, i], dtype="str", index=index) for i, name in enumerate(head)})
    frame = frame.mask(frame == "")
    frame.attrs = {
        "encoding": "UTF-8" if encoding == "utf-8-sig" else encoding,
        "notes": notes,
        "decimal_comma": decimal_comma,
    }
    return frame


def _heading(rows: list[list[str]], source: Source) -> tuple[list[str], list[list[str]], list[tuple[str, int]]]:
    """The heading ("" for each column where the file has none), the rows below it, and notes of what was passed over.

    Titles are lines of one cell above a line with at least two headings that are known; a second line of headings,
    below merged cells, takes the place of the first where it is filled.
    """
    known = _headings()
    given = {one.raw for one in source.columns.values()} | set(source.xy or ()) | set(source.filter)
    given |= set(source.exclude) | ({source.join.on} if source.join is not None else set())

    def recognised(row: list[str]) -> int:
        keys = standards.normal(pd.Series([_BRACKET.sub("", cell) for cell in row] + row, dtype="str"))
        bare, whole = keys.isin(known).to_numpy().reshape(2, -1)
        return sum(hit or cell in given for hit, cell in zip(bare | whole, row, strict=True) if cell)

    def filled(row: list[str]) -> int:
        return sum(cell != "" for cell in row)

    notes = []
    titles = next((number for number, row in enumerate(rows[:6]) if filled(row) > 1), 0)
    if titles and recognised(rows[titles]) > 1:
        rows = rows[titles:]
        notes = [("title_rows", titles)]
    head, body = rows[0], rows[1:]
    numeric = sum(bool(_NUMBER.fullmatch(cell)) for cell in head)
    numbered = any(re.fullmatch(r"column \d+", name) and name not in head for name in given)
    if numbered or (numeric * 2 >= filled(head) and numeric and not recognised(head)):
        return [""] * len(head), rows, notes
    if body and _continues(head, body[0]) and recognised(body[0]) > 1:
        head, body = [low or high for high, low in zip(head, body[0], strict=True)], body[1:]
        notes.append(("heading_lines", 2))
    return head, body, notes


def _continues(head: list[str], below: list[str]) -> bool:
    """Whether `below` may be the second line of a heading: it fills the gaps of the first, and leaves others to it."""
    pairs = list(zip(head, below, strict=True))
    gaps = any(low and not high for high, low in pairs)
    return gaps and any(high and not low for high, low in pairs) and not any(map(_NUMBER.fullmatch, below))


@lru_cache(maxsize=1)
def _headings() -> frozenset[str]:
    """Every heading the project knows, as `standards.normal` leaves it: the aliases of all tables, and coordinates."""
    return frozenset(standards.normal(standards.read("aliases")["alias"])).union(_EAST, _NORTH, _BOTH, _WKT) - {""}


def _lines(path: Path, forced: str | None) -> tuple[list[list[str]], str, str]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path.name}: cannot be read ({error.strerror})") from error
    wide = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
    tried = ["utf-16"] if wide else [forced] if forced else ["utf-8-sig", "gb18030"]
    for encoding in tried:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        break
    else:
        raise SourceError(f"{path.name}: its text is not {' or '.join(tried)}; set encoding in study.toml")
    text = text.replace("\ufeff", "").replace(_END, "")
    bare = (re.sub(r'"[^"]*"', "", line) for line in text.lstrip().splitlines()[:6])
    first = next((line for line in bare if any(one in line for one in ",;\t|")), "")
    delimiter = max(",;\t|", key=first.count)
    return _cells(text, delimiter, path.name), encoding, delimiter


def _cells(text: str, delimiter: str, name: str) -> list[list[str]]:
    """The cells of every line; a quote that swallows the lines after it is refused, since their rows would be lost."""
    limit = csv.field_size_limit(2**31 - 1)  # a polygon in one cell is longer than the 131,072 characters of the module
    rows: list[list[str]] = []
    width, line = 0, 1
    try:
        reader = csv.reader(io.StringIO(f"{text}\n{_END}", newline=""), delimiter=delimiter)
        for row in reader:
            if width < 2:  # the heading; a title above it has one cell
                width = len(row)
            if row == [_END]:
                break
            if row and row[-1].endswith(_END):
                raise SourceError(f"{name}: line {line}: a quotation mark is opened and never closed; {_QUOTES}")
            if reader.line_num > line and _swallows(row, width, delimiter):
                raise SourceError(
                    f"{name}: line {line}: a quotation mark swallows the lines up to {reader.line_num}; {_QUOTES}"
                )
            rows.append([cell.strip() for cell in row])
            line = reader.line_num + 1
    except csv.Error as error:
        raise SourceError(f"{name}: line {line}: cannot be read ({error})") from error
    finally:
        csv.field_size_limit(limit)
    return rows


def _swallows(row: list[str], width: int, delimiter: str) -> bool:
    """Whether a cell of `row` that spans lines holds whole rows: at its line breaks it falls apart into `width` cells."""
    for at, cell in enumerate(row):
        parts = [part for part in re.split(r"\r\n|\r|\n", cell) if part.strip()]
        if width < 2 or len(parts) < 2 or re.match(_SHAPE, cell, re.IGNORECASE):
            continue
        counts = [part.count(delimiter) for part in parts]
        # what was left of the row it opens in, whole rows, and what the row it closes in has before the mark
        least = [width - 1 - at, *[width - 1] * (len(parts) - 2), width - len(row) + at]
        if sum(counts) >= width - 1 and all(count >= one for count, one in zip(counts, least, strict=True)):
            return True
    return False


def _sheet(path: Path, sheet: str | None) -> tuple[list[list[str]], str]:
    import zipfile

    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings():  # openpyxl warns of styles and validations that do not concern the cells
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, OSError) as error:
        raise SourceError(f"{path.name}: cannot be read as an Excel workbook ({_short(error)})") from error
    try:
        rows = [[_cell(value) for value in row] for row in _chosen(book, sheet, path.name).iter_rows(values_only=True)]
    finally:
        book.close()
    return rows, "UTF-8"


def _chosen(book: Any, sheet: str | None, name: str) -> Any:
    """The sheet that is meant: the one named, or the only one that is filled."""
    names = book.sheetnames
    if sheet is not None and sheet not in names:
        raise SourceError(f"{name}: has no sheet {sheet!r}; it has {', '.join(names)}")
    if sheet is None and len(names) > 1:
        filled = [
            one for one in names if any(True for _ in book[one].iter_rows(min_row=1, max_row=1, values_only=True))
        ]
        if len(filled) > 1:
            raise SourceError(
                f"{name}: holds {len(names)} sheets ({', '.join(names)}); name one as layer in study.toml"
            )
        sheet = filled[0] if filled else names[0]
    return book[sheet or names[0]]


def _formulas(path: Path, sheet: str | None) -> list[tuple[str, int]]:
    """A note of the cells whose formula has no result in the file, since no program that computes has saved it."""
    import zipfile

    import openpyxl

    with zipfile.ZipFile(path) as parts:
        sheets = [name for name in parts.namelist() if name.startswith("xl/worksheets/") and name.endswith(".xml")]
        if not any(re.search(rb"<(?:\w+:)?f[\s>/]", parts.read(name)) for name in sheets):
            return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        books = [openpyxl.load_workbook(path, read_only=True, data_only=only) for only in (True, False)]
    try:
        results, formulas = (_chosen(book, sheet, path.name).iter_rows(values_only=True) for book in books)
        lost = sum(
            result is None and formula is not None
            for one, other in zip(results, formulas, strict=True)
            for result, formula in zip(one, other, strict=True)
        )
    finally:
        for book in books:
            book.close()
    return [("formula_cells", lost)] if lost else []


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if hasattr(value, "isoformat"):
        return str(value.isoformat()).removesuffix("T00:00:00")
    return str(value).replace("\ufeff", "").strip()


def _unique(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return out


def _placed(frame: pd.DataFrame, source: Source, name: str) -> pd.DataFrame:
    """`frame` with points, where it has coordinates."""
    found = _coordinates(frame, source, name)
    if found is None:
        return frame
    shapes, read_as = found
    if source.crs is None:
        raise CrsError(
            f"{name}: has coordinates ({' and '.join(read_as)}) but does not say in which system; set crs in study.toml to the one of "
            "their source: EPSG:4326 (GPS, OpenStreetMap), EPSG:4490 (CGCS2000, Tianditu), GCJ-02 (Amap, Tencent) or "
            "BD-09 (Baidu), or a projected system such as EPSG:4526"
        )
    placed = gpd.GeoDataFrame(frame, geometry=shapes)
    placed.attrs = {**{key: value for key, value in frame.attrs.items() if key != "decimal_comma"}, "xy": read_as}
    return cast(pd.DataFrame, placed)


def _coordinates(frame: pd.DataFrame, source: Source, name: str) -> tuple[np.ndarray[Any, Any], list[str]] | None:
    decimal_comma = bool(frame.attrs.get("decimal_comma"))
    if source.xy is not None:
        lacking = [column for column in source.xy if column not in frame]
        if lacking:
            raise SourceError(f"{name}: has no column {lacking[0]!r} for xy; it has {_listed(frame)}")
        x, y = (_degrees(frame[column], decimal_comma=decimal_comma) for column in source.xy)
        return _points(x, y), list(source.xy)
    if source.join is not None:
        return None
    names = dict(zip(standards.normal(pd.Series(list(frame.columns), dtype="str")), frame.columns, strict=True))
    shapes = next((names[alias] for alias in _WKT if alias in names), None)
    for column in [names[alias] for alias in _WKT if alias in names]:
        if frame[column].str.match(_SHAPE, case=False).any():
            return _shapes(frame[column]), [column]
    # unreadable coordinates are coordinates still: `normalise` rejects the rows, and says why
    pair = (
        next((names[alias] for alias in _EAST if alias in names), None),
        next((names[alias] for alias in _NORTH if alias in names), None),
    )
    if pair[0] is not None and pair[1] is not None:
        x, y = (_degrees(frame[column], decimal_comma=decimal_comma) for column in pair)
        weak = source.crs is None and set(standards.normal(pd.Series(pair, dtype="str"))) & set(_WEAK)
        if np.isfinite(x).any() or not weak:
            return _points(x, y), [pair[0], pair[1]]
    both = next((names[alias] for alias in _BOTH if alias in names), None)
    if both is not None:
        parts = frame[both].str.extract(r"^\D{0,2}?(-?\d+(?:\.\d+)?)\s*[,，;；\s]\s*(-?\d+(?:\.\d+)?)\D{0,2}$")
        x, y = (parts[i].astype("float64").to_numpy() for i in (0, 1))
        latitude_first = standards.normal(pd.Series([both], dtype="str"))[0].startswith("lat")
        if np.isfinite(x).any() or (source.crs is not None and shapes is None):
            return _points(*((y, x) if latitude_first else (x, y))), [both]
    if shapes is not None and source.crs is not None:
        return _shapes(frame[shapes]), [shapes]
    return None


def _shapes(texts: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """Geometries of WKT; what cannot be read, and curves, which GEOS does not know, are missing."""
    cells: Any = texts.astype("object").where(texts.notna(), None).to_numpy()
    curved = texts.str.contains(_CURVED, case=False).fillna(False).to_numpy(dtype=bool)
    out = np.full(len(texts), None, dtype=object)
    out[~curved] = shapely.from_wkt(cells[~curved], on_invalid="ignore")
    for at in np.flatnonzero(curved):
        with contextlib.suppress(NotImplementedError):
            out[at] = shapely.from_wkt(cells[at], on_invalid="ignore")
    return out


def _degrees(values: pd.Series[Any], *, decimal_comma: bool) -> np.ndarray[Any, Any]:
    """Numbers of a coordinate column: decimals, or degrees, minutes and seconds (113°42′10″E)."""
    text = _decimal(values.astype("str").str.normalize("NFKC").str.strip(), decimal_comma=decimal_comma)
    numbers = pd.to_numeric(text, errors="coerce").to_numpy(dtype="float64")
    parts = text.str.extract(
        r"^([-+]?\d+)\s*[°度]\s*(?:(\d+(?:\.\d+)?)\s*['′分]\s*)?(?:(\d+(?:\.\d+)?)\s*(?:[\"″秒]|['′]{2})\s*)?([NSEWnsew]?)$"
    )
    whole = parts[0].astype("float64")
    turned = whole.abs() + parts[1].astype("float64").fillna(0) / 60 + parts[2].astype("float64").fillna(0) / 3600
    sign = np.where(parts[3].str.upper().isin(["S", "W"]) | parts[0].str.startswith("-").fillna(False), -1.0, 1.0)
    return np.where(np.isfinite(numbers), numbers, turned.to_numpy(dtype="float64") * sign)


def _decimal(text: pd.Series[Any], *, decimal_comma: bool) -> pd.Series[Any]:
    """473,100.5 as 473100.5, and 113,71 as 113.71: what a comma is, the whole column tells.

    `decimal_comma` decides where it does not: 113,712 is below 114 in a file that is divided by semicolons.

    >>> _decimal(pd.Series(["473,100.5", "473,200"]), decimal_comma=True).tolist()
    ['473100.5', '473200']
    >>> _decimal(pd.Series(["113,71", "113,712"]), decimal_comma=False).tolist()
    ['113.71', '113.712']
    """
    one = text.str.fullmatch(r"[-+]?\d+,\d+").fillna(False).astype("bool")
    grouped = text.str.fullmatch(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?").fillna(False).astype("bool")
    if (one & (decimal_comma | ~grouped)).any() and not (grouped & ~one).any():
        return text.mask(one, text.str.replace(",", "."))
    return text.mask(grouped, text.str.replace(",", ""))


def _points(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    out = np.full(len(x), None, dtype=object)
    ok = np.isfinite(x) & np.isfinite(y)
    out[ok] = shapely.points(x[ok], y[ok])
    return out


def _checked(frame: gpd.GeoDataFrame, source: Source, name: str) -> gpd.GeoDataFrame:
    """`frame` in the system it is really in: the declared one first, contradictions refused, axes put right."""
    attrs = dict(frame.attrs)
    offset = coordinates.offset_name(source.crs) if source.crs else None
    declared = coordinates.parse(source.crs) if source.crs and not offset else None
    crs: CRS | str | None = offset or declared or frame.crs
    if crs is None:
        raise CrsError(
            f"{name}: does not say its coordinate system; set crs in study.toml (EPSG:4490 or GCJ-02 for example)"
        )
    if isinstance(crs, CRS):
        coordinates.refuse_old(crs, where=name)
    # one point a shape is enough to tell the system, and cheap
    points = shapely.get_coordinates(shapely.point_on_surface(np.asarray(frame.geometry.array)[:20_000]))
    notes = list(attrs.get("notes", []))
    if len(points) and coordinates.swapped(points[:, 0], points[:, 1], crs):
        flipped = shapely.transform(np.asarray(frame.geometry.array), lambda xy: xy[:, ::-1])
        frame = gpd.GeoDataFrame(frame.drop(columns=frame.geometry.name), geometry=flipped)
        points = points[:, ::-1]
        notes.append(("axes_swapped", len(frame)))
    if len(points) and (why := coordinates.contradictions(points[:, 0], points[:, 1], crs)):
        raise CrsError(f"{name}{f' ({source.layer})' if source.layer else ''}: {why}")
    if len(points) and isinstance(crs, CRS) and coordinates.outside_use(points[:, 0], points[:, 1], crs):
        notes.append(("outside_use", len(frame)))
    if offset and len(points):
        abroad = int((~coordinates.in_china(points[:, 0], points[:, 1])).sum())
        notes += [("offset_undefined", abroad)] if abroad else []
    frame = gpd.GeoDataFrame(frame).set_crs(cast(Any, None if isinstance(crs, str) else crs), allow_override=True)
    frame.attrs = {**attrs, "notes": notes, "crs": coordinates.label(crs)}
    return frame


def _listed(frame: pd.DataFrame) -> str:
    names = [str(name) for name in frame.columns if name != "geometry"]
    return ", ".join(names[:20]) + (", …" if len(names) > 20 else "")


def _short(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error)).strip()[:200]
