"""The beginning of a study: a `study.toml` to fill in, with a stanza for every file that is already there."""

import warnings
from pathlib import Path
from typing import Any

from lifecircle import schema
from lifecircle.errors import OutputError, SourceError
from lifecircle.load import graphs

_HEAD = """\
# 本地研究配方 / The recipe of a place. 行首 # 为注释 / Lines that begin with # are comments.
name = "在此填写地名 / the name of the place"
crs = "EPSG:4547"         # 研究坐标系，须为米制投影 / a projected system in metres; 4547 = CGCS2000, 114°E
language = "zh"           # zh | en
as_of = 2025-12-31        # 龄期与期限计算到这一天 / ages and deadlines are counted to this day
standards = "national_2018"
# land = {{ edition = "jinhua_draft" }}  # 低效用地判据版本；本地版本用 folder / criteria of low-efficiency land; folder = "…" for a city's own
# constraints = {{ none = ["heritage"] }} # 确认本地没有此类控制线 / this place has no such constraint, so none need be drawn
# reuse = {{ sites = [3, 5], budget_yuan = 20_000_000, conditional = true }} # 改造选址 / which conversions are looked for
# sheet = {{ organisation = "…", author = "…", marking = "internal" }}  # 图签 / what map sheets say of themselves; marking: internal, public

# 每个图层一节 / One section a layer: {layers}
# 另有 / also: population (raster, grid or points), elevation (raster). 键 / keys: source, layer, crs, encoding, osm,
# columns = {{ far = "容积率", site_area_m2 = {{ from = "面积", unit = "亩" }}, name = "" }} （"" = 不用 / not used）, values, set, filter, exclude, join, xy
"""
_SKIPPED = {".dbf", ".shx", ".prj", ".cpg", ".sbn", ".sbx", ".qpj", ".xml", ".aux", ".qix", ".ovr", ".toml", ".md"}


def begin(folder: Path | str, *, place: str | None = None) -> Path:
    """Write `study.toml` into `folder` and make its `raw` folder; files already in `raw` get a stanza each, commented out.

    Parameters
    ----------
    place
        The name of a place whose walkable streets are first downloaded from OpenStreetMap into ``raw/streets.graphml``.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    OutputError
        A study.toml is already there (it is never overwritten), or the folder cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as here:
    ...     print(begin(Path(here) / "town").name)
    study.toml
    """
    folder = Path(folder)
    path = folder / "study.toml"
    if path.exists():
        raise OutputError(f"{path} is already there; it is not overwritten.")
    try:
        (folder / "raw").mkdir(parents=True, exist_ok=True)
        if place:
            graphs.download(place, folder / "raw" / "streets.graphml")
        stanzas = [_stanza(file, folder) for file in sorted((folder / "raw").iterdir()) if file.suffix not in _SKIPPED]
        text = _HEAD.format(layers=", ".join(schema.TABLES))
        path.write_text("\n".join([text, *stanzas]), encoding="utf-8", newline="\n")
    except SourceError:
        raise
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror or error}.") from error
    return path


def _stanza(file: Path, folder: Path) -> str:
    source = file.relative_to(folder).as_posix()
    if file.suffix == graphs.ENDING:
        return f'[layers.streets]\nsource = "{source}"\n'
    stanzas = []
    for info in _layers(file) or [{}]:
        lines = ["# [layers.…]", f'# source = "{source}"']
        layer = info.get("layer_name")
        lines += [f'# layer = "{layer}"'] if layer and layer != file.stem else []
        if info:
            fields = ", ".join(str(name) for name in info["fields"])
            said = (
                f"{info['features']} rows, {info['geometry_type'] or 'no geometry'}, {info['crs']}; columns: {fields}"
            )
            lines.append(f"#   {' '.join(said.split())}"[:400])
        stanzas.append("\n".join([*lines, ""]))
    return "\n".join(stanzas)


def _layers(file: Path) -> list[dict[str, Any]]:
    import pyogrio

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a file GDAL only half understands is still worth naming
        try:
            names = [str(name) for name in pyogrio.list_layers(file)[:, 0]]
            return [pyogrio.read_info(file, layer=name) for name in names]
        except (OSError, RuntimeError, ValueError):
            return []
