"""What rejects and notes say, in the language of the study."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SAID: Mapping[str, tuple[str, str]] = {
    # why a row is rejected
    "no_geometry": ("没有图形", "has no geometry"),
    "no_coordinates": ("坐标缺失或无法识别", "its coordinates are missing or cannot be read"),
    "wrong_geometry": ("图形类型不符：应为{wanted}，实为{found}", "is a {found}, not a {wanted}"),
    "no_extent": ("图形没有{what}", "its geometry has no {what}"),
    "not_projectable": ("坐标无法转换到研究坐标系", "its coordinates cannot be brought into the study's system"),
    "unknown_word": ("“{column}”的取值不认识", "its {column} is not a known word"),
    "missing_value": ("缺少必填的“{column}”", "has no {column}, which is required"),
    "duplicate": ("与第{row}行重复", "duplicate of row {row}"),
    "same_number": ("编号与第{row}行相同，内容不同", "the same number as row {row}, with other content"),
    "same_number_elsewhere": ("编号与文件{source}中的一行相同", "the same number as a row of {source}"),
    "no_key": ("没有“{on}”，无法关联到{layer}", "has no {on} to find its row of {layer} by"),
    "unmatched": ("{layer}中没有编号为“{key}”的对象", "{layer} has no row with the number {key!r}"),
    "unmatched_area": ("{layer}中没有编号或名称为“{key}”的对象", "{layer} has no row with the number or name {key!r}"),
    "ambiguous_area": ("{layer}中有多行编号或名称为“{key}”", "{layer} has several rows with the number or name {key!r}"),
    "other_level": (
        "是{level}合计，其下级范围在表中另有人数，不重复计算",
        "is the total of a {level}, whose parts have rows of their own: people are counted once",
    ),
    "ambiguous": ("{layer}中有多行编号为“{key}”", "{layer} has several rows with the number {key!r}"),
    "ambiguous_register": ("登记表中有多行编号为“{key}”，内容不同", "several rows of the register have the number {key!r}, with other content"),
    "unmatched_place": ("不在{layer}的任何一个图形内", "lies in no shape of {layer}"),
    # notes: how many rows were rejected and why, and what happened to rows that were kept
    "title_rows": ("表头上方 {count} 行标题已略过", "{count} title rows above the heading are passed over"),
    "heading_lines": ("表头占 {count} 行，已合并为一行", "the heading has {count} lines, read as one"),
    "formula_cells": (
        "{count} 个公式单元格没有保存计算结果，按缺失处理；请用 Excel 或 WPS 打开并保存后重试",
        "{count} formula cells hold no result and are missing; open the workbook in Excel or WPS and save it",
    ),
    "rejected": ("{count} 行未采用：{why}", "{count} rows rejected: {why}"),
    "rejected_alike": ("{count} 行未采用：{why}，其余类似", "{count} rows rejected: {why}, and others like it"),
    "number_repeated": (
        "{count} 行与前面的行编号相同、内容不同，已另编号（如 {some}）",
        "{count} rows have the number of an earlier row with other content, and got one of their own (such as {some})",
    ),
    "filtered": ("按配方筛去 {count} 行", "{count} rows left out by the recipe's own filter"),
    "absent": ("没有这一图层", "this place has no such layer"),
    "repaired": ("{count} 个无效图形已修复", "{count} invalid geometries repaired"),
    "parts": ("{count} 个混合图形只保留所需维度的部分", "{count} mixed geometries kept only in the parts of the right dimension"),
    "to_point": ("{count} 个面或线取其内部一点", "{count} areas or lines became a point on them"),
    "closed_lines": ("{count} 条闭合线作为面", "{count} closed lines taken as polygons"),
    "to_lines": ("{count} 个面取其边界线", "{count} areas became their outline"),
    "unreadable": ("{column}：{count} 个值无法读取，按缺失处理（如 {some}）", "{column}: {count} values could not be read and are missing (such as {some})"),
    "out_of_range": ("{column}：{count} 个值超出合理范围，按缺失处理（如 {some}）", "{column}: {count} values out of range are missing (such as {some})"),
    "unknown_words": ("{column}：{count} 个词不认识，按{then}处理（{some}）", "{column}: {count} unknown words became {then} ({some})"),
    "no_material_kind": ("{count} 段管线只写“铸铁”，灰口或球墨不明，记为未知", "{count} pipes say only cast iron, grey or ductile not known: material unknown"),
    "start_unreadable": (
        "{count} 个地块的动工日期无法读取（如 {some}），其约定动工日期不采用，以免当作未动工",
        "{count} parcels have a date of start that cannot be read (such as {some}): their date due is set aside, so that none counts as not started",
    ),
    "month_only": ("{column}：{count} 个日期只到月，取当月第一天", "{column}: {count} dates name a month only; its first day is taken"),
    "ids_made": ("{count} 行没有编号，按行号编号", "{count} rows without a number are numbered by their row"),
    "id_not_unique": ("列“{column}”多数重复，不作为编号", "column {column!r} mostly repeats itself and is not taken as the number"),
    "renumbered": ("{source} 中 {count} 行的编号与其他文件重复，已另编号", "{count} rows of {source} have a number that another file uses too, and got one of their own"),
    "same_shape": ("{count} 个图形与另一行完全相同", "{count} rows have the same geometry as another row"),
    "area_differs": (
        "{count} 行申报面积与图形面积相差超过 {percent:g}%：申报合计 {declared:,.0f} m²，图形合计 {drawn:,.0f} m²（最大：{some}）",
        "{count} rows declare an area more than {percent:g} % off their geometry: declared {declared:,.0f} m², drawn {drawn:,.0f} m² (largest: {some})",
    ),
    "area_unit": (
        "{count} 行申报面积与图形面积之比表明单位很可能是{unit}而不是 m²，按缺失处理；请在列名或 study.toml 中写明单位",
        "{count} declared areas are most likely in {unit} and not in m², going by the drawn ones, and are missing; state the unit in the heading or in study.toml",
    ),
    "ambiguous_column": ("有多列可作为 {text}，取第一列", "more than one column could be {text}; the first is taken"),
    "unused": ("未使用的列：{text}", "columns not used: {text}"),
    "level_assumed": ("没有级别列，{count} 个范围按社区处理", "no column gives the level: {count} areas taken as communities"),
    "edition_unknown": ("{count} 个地块有用地代码但没有注明版本", "{count} parcels have a land-use code without its edition"),
    "walkable_by_class": ("{count} 条道路按类别判断能否步行", "{count} streets are walkable or not by their class"),
    "axes_swapped": ("坐标为先北后东，已对调", "coordinates came northing first and were put right"),
    "outside_use": ("坐标远在所声明坐标系的适用范围之外，可能是地方坐标或错误的带号", "coordinates lie far outside the area its coordinate system is made for: perhaps local coordinates, the wrong zone or hemisphere"),
    "offset_undefined": ("{count} 个点在中国境外，偏移无定义，原样保留", "{count} points lie outside China, where the offset is not defined, and are unchanged"),
    "far_away": ("该图层距其他图层中心 {km:,.0f} 公里，请检查坐标系", "this layer lies {km:,.0f} km from the others: check its coordinate system"),
    "rows_far_away": (
        "{count} 行远离本图层其余各行（最远 {km:,.6g} 公里；如 {some}），请检查坐标",
        "{count} rows lie far from the rest of this layer (up to {km:,.6g} km; such as {some}): check their coordinates",
    ),
    "crs_scale": (
        "研究坐标系 {crs} 在此处的长度变形为 {percent:.2f}%，所有距离和面积受其影响；此处宜用 {better}",
        "the study's system {crs} is {percent:.2f} % off true scale here, and so are all lengths; {better} would fit",
    ),
    "offset_named": (
        "注意：{source} 声明为 {crs}，但名称或列名含“{hint}”，其坐标通常是 {system}，会偏 100–1,200 米；若是，请在 study.toml 中写 crs = \"{system}\"",
        "WARNING: {source} is declared as {crs}, but its name or a heading says {hint!r}, whose coordinates are usually {system} and lie 100–1,200 m off; if so, set crs = \"{system}\" in study.toml",
    ),
    "offset_likely": (
        "注意：{source} 的 {count} 个点声明为 {crs}，距最近{layer}的中位数为 {before:,.0f} 米，按 {system} 纠正后为 {after:,.0f} 米：坐标很可能是 {system}。未作改动，请核实并在 study.toml 中写明",
        "WARNING: the {count} points of {source} are declared as {crs} and lie {before:,.0f} m (median) from the nearest of {layer}; read as {system} they lie {after:,.0f} m: they are most likely {system}. Nothing was changed; check, and say so in study.toml",
    ),
    "encoding_lied": ("文件自述的文字编码有误，已按实际编码读取", "the file's own statement of its encoding was wrong; the one that decodes was used"),
    "osm_cut": ("{count} 条线在数据边缘被截断，保留已有部分", "{count} lines cut at the edge of the extract, kept as far as they go"),
    "osm_dropped": ("{count} 个对象因缺少节点而舍去", "{count} objects dropped because their nodes are not in the extract"),
    "nodes_missing": ("{count} 段管线的端点节点不存在", "{count} pipes name an end node that does not exist"),
    "links_missing": ("{column}：{count} 行指向不存在的{layer}", "{column}: {count} rows name a row of {layer} that does not exist"),
    "joined": ("{register}：{count} 行关联到本图层", "{register}: {count} rows joined to this layer"),
    "floor_area_made": ("{count} 栋建筑的建筑面积按占地 × 层数计算", "floor area of {count} buildings is footprint × floors"),
    # rasters
    "no_nodata": ("栅格没有声明无数据值", "the raster does not say which value means no data"),
    "constant": ("栅格所有像元值相同", "the raster holds one value everywhere"),
    "saturated": ("8 位栅格达到 255，可能已饱和", "an 8-bit raster that reaches 255: it may be saturated"),
    "negative": ("栅格含负值", "the raster holds values below zero"),
    "negative_people": ("{count} 个像元人口为负，按无数据处理", "{count} cells with fewer than no people are taken as no data"),
    "too_many_people": (
        "{count} 个像元的人口超过 {most:,.0f}（如 {value:.6g}），不可能是人数，按无数据处理",
        "{count} cells with more than {most:,.0f} people (such as {value:.6g}) are taken as no data",
    ),
    "empty": ("栅格没有数据", "the raster holds no data"),
    "bands": ("栅格有多个波段，只读第一个", "the raster has several bands; the first is read"),
    # homes
    "homes_from_buildings": ("{count} 个住处由住宅建筑得到", "{count} homes made from residential buildings"),
    "homes_unknown_use": (
        "{count} 栋用途不明的建筑按住宅处理（多数建筑未注明用途，或附近没有已知住宅）",
        "{count} buildings of unknown use are taken as dwellings (most have no use recorded, or none near is known to be residential)",
    ),
    "one_dwelling": ("没有户数，{count} 个住处各按一户计", "no count of dwellings: each of {count} homes is one"),
    "homes_no_dwelling": (
        "{count} 栋住宅户数为 0，不计为住处",
        "{count} residential buildings with no dwelling in them are not homes",
    ),
    "homes_vacant": ("{count} 栋空置住宅不计为住处", "{count} vacant residential buildings are no homes"),
    "homes_from_cells": ("没有住宅，{count} 个有人口的网格作为住处", "no dwelling is known: {count} populated cells are taken as homes"),
    "homes_from_points": ("{count} 个人口点作为住处", "{count} population points are homes"),
    "weights_footprint": ("{count} 个住处层数不明，分摊人口时按占地面积", "{count} homes without floors share residents by footprint alone"),
    "weights_equal": ("{count} 个住处等权分摊人口", "{count} homes share residents equally"),
    "outside_areas": ("{count} 个住处不在任何社区内", "{count} homes lie in no area"),
    "shared_boundary": ("{count} 个住处在边界上，归编号最小的范围", "{count} homes on a shared boundary belong to the area with the smallest number"),
    "no_residents": ("没有人口数据，居民数不明", "no population data: residents are not known"),
    "homes_unpeopled": ("{count} 个住处不在人口数据范围内，居民数不明", "{count} homes lie in no cell of the population data: residents not known"),
    "residents_partly": ("{count} 个住处居民数不明，其余已知", "residents of {count} homes not known, of the others known"),
    "homes_none_left": (
        "给出了住处图层，但没有一行可用：没有住处，也不以建筑代替",
        "a layer of homes was given but no row of it is left: there are no homes, and buildings do not stand in for them",
    ),
    "homes_none": (
        "没有住处：没有住处图层，没有可住的建筑，也没有有人口的数据",
        "no home at all: there is no layer of homes, no building that is lived in and no population data with people",
    ),
    "estimated_by_area": (
        "{count} 个住处的居民数为估算：建筑面积 ÷ 人均 {each:g} m²",
        "residents of {count} homes are estimated: floor area ÷ {each:g} m² a person",
    ),
    "estimated_by_dwelling": (
        "{count} 个住处的居民数为估算：户数 × 每户 {persons:g} 人",
        "residents of {count} homes are estimated: dwellings × {persons:g} persons",
    ),
    "estimate_lacks": (
        "{count} 个住处没有估算所需的建筑面积或户数，居民数不明",
        "{count} homes lack the floor area or the dwellings to estimate by: residents not known",
    ),
    "people_estimated": ("居民共 {count:,} 人，为估算，不是统计", "{count:,} residents, estimated and not counted"),
    "demand_unused": (
        "已有人口数据，study.toml 的 [demand] 未使用",
        "residents come from data, so [demand] of study.toml is not used",
    ),
    "population_unused": (
        "住处图层已给出居民数或住处，人口数据未使用",
        "the homes are given, with their residents or apart from the points of the population data, which is not used",
    ),
    "points_beside": (
        "人口数据既有面又有点，{count} 个点未使用",
        "the population data hold both areas and points: {count} points are not used",
    ),
    "people_elsewhere": (
        "人口数据不覆盖研究范围，请检查坐标系",
        "no cell with data shares ground with the study: check the coordinate system of the population data",
    ),
    "people_unknown": (
        "{count} 个网格或范围没有人口数，其居民数不明",
        "{count} cells or areas of the population data say no number: their residents are not known",
    ),
    "areas_unpeopled": (
        "{count} 个范围在人口表中没有对应行，居民数不明",
        "{count} areas have no row in the table of people: their residents are not known",
    ),
    "extent_guessed": ("没有范围图层，按{layer}的外接矩形", "no areas: the extent is the box around {layer}"),
    "people": (
        "相交网格 {touching:,.0f} 人 = 分摊到住处 {allocated:,.0f} + 研究范围外 {outside:,.0f} + 无住宅的网格 {without:,.0f}",
        "{touching:,.0f} people in touching cells = {allocated:,.0f} allocated + {outside:,.0f} outside the study + {without:,.0f} in cells without a dwelling",
    ),
}  # fmt: skip
_WORDS = {
    "Point": ("点", "point"),
    "LineString": ("线", "line"),
    "Polygon": ("面", "polygon"),
    "GeometryCollection": ("混合图形", "collection"),
    "area": ("面积", "area"),
    "length": ("长度", "length"),
    "unknown": ("“未知”", "unknown"),
    "other": ("“其他”", "other"),
    "missing": ("缺失", "missing"),
    "community": ("社区", "community"),
    "street": ("街道", "street"),
    "town": ("城镇", "town"),
    "areas": ("社区", "areas"),
    "homes": ("住处", "homes"),
    "facilities": ("设施", "facilities"),
    "streets": ("道路", "streets"),
    "parcels": ("地块", "parcels"),
    "buildings": ("建筑", "buildings"),
    "assets": ("资产", "assets"),
    "parks": ("公园", "parks"),
    "kind": ("类别", "kind"),
    "level": ("级别", "level"),
    "network": ("管网", "network"),
    "of_table": ("所属图层", "of_table"),
    "of_id": ("所属编号", "of_id"),
    "or": ("或", " or "),
    "mu": ("亩", "mu"),
    "ha": ("公顷", "hectares"),
}


def say(code: str, language: str, **values: object) -> str:
    """The sentence of `code` in ``zh`` or ``en``.

    >>> say("duplicate", "en", row=7), say("duplicate", "zh", row=7)
    ('duplicate of row 7', '与第7行重复')
    """
    return _SAID[code][language == "en"].format(**values)


def word(name: str, language: str) -> str:
    """A single word of `say`, such as a geometry type or a layer, in the language; unknown ones as they are."""
    pair = _WORDS.get(name.removeprefix("Multi"))
    return pair[language == "en"] if pair else name


# reasons that name a row, a key or a file: rows rejected for one of them are counted together
_NAMING = (
    "same_number_elsewhere",
    "same_number",
    "duplicate",
    "ambiguous_register",
    "ambiguous",
    "unmatched_place",
    "unmatched_area",
    "ambiguous_area",
    "unmatched",
)


def kind_of(why: str, language: str) -> str:
    """What rejects are counted together by: the code of a reason that names a row or a key, else the reason itself.

    >>> kind_of("duplicate of row 7", "en"), kind_of("has no geometry", "en")
    ('duplicate', 'has no geometry')
    """
    for code in _NAMING:
        text = re.escape(pattern(code, language).replace("{key!r}", "{key}"))
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", ".*", text), why, flags=re.DOTALL):
            return code
    return why


def pattern(code: str, language: str) -> str:
    """The unfilled sentence, for filling a whole column at once."""
    return _SAID[code][language == "en"]
