"""The folium elements a map page is made of: the page itself, its scripts, and one element a layer."""

import html
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

import folium
import folium.plugins
import numpy as np
import shapely
from branca.element import Element, Figure, MacroElement
from folium.elements import JSCSSMixin
from folium.map import Layer

from lifecircle.publish import assets


class Raw(Element):
    """Text that enters the page as it stands: branca would read it as a template, and data may hold ``{{``."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def render(self, **_: Any) -> str:
        """The text."""
        return self._text


class Page(Figure):
    """A page that carries everything it needs, however it is rendered, saved or shown in a notebook."""

    def render(self, **kwargs: Any) -> str:
        """The page with its scripts and style sheets in it."""
        return assets.inline(super().render(**kwargs))


class _Part(MacroElement):
    """An element that puts text of its own at the end of the page's head or script."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def _figure(self) -> Any:
        return self.get_root()

    def _map(self) -> str:
        parent: Any = self._parent
        return str(parent.get_name())


class Start(_Part, JSCSSMixin):
    """The scripts and styles of the page, and the call that opens the map."""

    def __init__(self, content: Mapping[str, Any], geometry: "Geometry") -> None:
        super().__init__()
        self._name = "Start"
        self._content = content
        self._geometry = geometry
        self.default_js = [*folium.plugins.Search.default_js, *folium.plugins.GroupedLayerControl.default_js]
        self.default_css = [*folium.plugins.Search.default_css, *folium.plugins.GroupedLayerControl.default_css]

    def render(self, **kwargs: Any) -> str:
        """Put styles into the head and the opening call before the layers."""
        JSCSSMixin.render(self, **kwargs)  # type: ignore[no-untyped-call]
        figure = self._figure()
        figure.header.add_child(Raw(f"<style>{_own('page.css')}</style>"), name="lifecircle_css")
        figure.script.add_child(
            Raw(
                f"{_own('page.js')}\nlifecircle.geo = {script_json(self._geometry.packs)};\n"
                f"var lifecirclePage = {script_json(self._content)};\n"
                f"lifecircle.open({self._map()}, lifecirclePage);"
            ),
            name="lifecircle_open",
        )
        return ""


class Ready(_Part):
    """The call after the last layer: legend, folding groups and search."""

    def render(self, **_: Any) -> str:
        """Put the call at the end of the page."""
        self._figure().script.add_child(
            Raw(f"lifecircle.ready({self._map()}, lifecirclePage);"), name="lifecircle_ready"
        )
        return ""


class Features(Layer):
    """One layer of the map, drawn from a compact table when it is first shown."""

    def __init__(self, key: str, spec: Mapping[str, Any], *, label: str, show: bool) -> None:
        super().__init__(name=label, overlay=True, control=True, show=show)
        self._name = "Features"
        self._id = key
        self.spec = spec

    def render(self, **kwargs: Any) -> str:
        """Put the table into the page, and onto the map where it is shown from the start."""
        name, figure = self.get_name(), self.get_root()
        made = f"var {name} = lifecircle.layer({script_json(self._id)}, {script_json(self.spec)});"
        figure.script.add_child(Raw(made), name=name)  # type: ignore[attr-defined]
        super().render(**kwargs)  # type: ignore[no-untyped-call]
        return ""


class Geometry:
    """The geometry of all layers; what several layers share is stored once."""

    def __init__(self) -> None:
        self.packs: list[dict[str, Any]] = []
        self._known: dict[str, int] = {}

    def add(self, shapes: "np.ndarray[Any, Any]", kind: str, *, digits: int = 6) -> int:
        """Store `shapes` (degrees, longitude first; no missing or empty ones) and return their number; see `pack`."""
        packed = pack(shapes, kind, digits=digits)
        key = json.dumps(packed, separators=(",", ":"))
        if key not in self._known:
            self._known[key] = len(self.packs)
            self.packs.append(packed)
        return self._known[key]


def pack(shapes: "np.ndarray[Any, Any]", kind: str, *, digits: int = 6) -> dict[str, Any]:
    """Shapes as whole millionths of a degree (0.1 m), each vertex as the step from the one before.

    `kind` is ``point``, ``line`` or ``area``. With fewer `digits` of a degree than 6 the result names them as ``e``. In the result ``o`` is the first vertex, ``d`` the steps (x, y, x, y, …),
    ``r`` vertices a ring or line (rings without their closing vertex), ``p`` rings a polygon and ``f`` parts a feature,
    the last two only where they are not all 1.

    >>> pack(np.array([shapely.box(108, 32, 108.001, 32.001)]), "area")
    {'k': 'area', 'n': 1, 'o': [108001000, 32000000], 'd': [0, 0, 0, 1000, -1000, 0, 0, -1000], 'r': [4]}
    """
    out: dict[str, Any] = {"k": kind, "n": len(shapes)}
    no_counts: dict[str, list[int]] = {}
    if kind == "point":
        coordinates, counts = shapely.get_coordinates(shapes), no_counts
    else:
        coordinates, counts = _ragged(shapes, kind)
    if digits != 6:
        out["e"] = digits
    whole = np.rint(coordinates * 10**digits).astype(np.int64)
    out["o"] = whole[0].tolist() if len(whole) else [0, 0]
    out["d"] = np.diff(whole, axis=0, prepend=whole[:1]).ravel().tolist()
    return out | counts


def _ragged(shapes: "np.ndarray[Any, Any]", kind: str) -> "tuple[np.ndarray[Any, Any], dict[str, list[int]]]":
    depth = {"line": 2, "area": 3}[kind]
    flat = shapely.force_2d(shapes) if bool(shapely.has_z(shapes).any()) else shapes
    _, coordinates, offsets = shapely.to_ragged_array(flat)
    steps = [np.diff(offset) for offset in offsets]
    if len(steps) < depth:  # no multi kind among them: one part a feature
        steps.append(np.ones(len(shapes), dtype=np.int64))
    vertices = steps[0]
    if kind == "area":
        closing = np.asarray(offsets[0][1:]) - 1
        coordinates = np.delete(coordinates, closing, axis=0)
        vertices = vertices - 1
    counts = {"r": vertices.tolist()}
    if kind == "area" and (steps[1] != 1).any():
        counts["p"] = steps[1].tolist()
    if (steps[-1] != 1).any():
        counts["f"] = steps[-1].tolist()
    return coordinates, counts


def script_json(value: Any) -> str:
    """JSON that may stand inside a script element, whatever the texts in it say.

    >>> print(script_json("</script><b>&"))
    "\\u003c/script\\u003e\\u003cb\\u003e\\u0026"
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def make(title: str, *, center: Sequence[float], basemap: str | None = None) -> folium.Map:
    """An empty map in a page of its own, without tiles unless a basemap is named, and without the scripts that only folium's markers need."""
    out = folium.Map(
        location=list(center),
        tiles=None,
        zoom_start=13,
        zoom_control=False,
        prefer_canvas=True,
        zoom_snap=0.25,
        zoom_delta=0.5,
        wheel_px_per_zoom_level=120,
        max_zoom=20,
        min_zoom=3,
        attribution_control=basemap is not None,
    )
    out._id = "town"
    out.default_js = [item for item in folium.Map.default_js if item[0] == "leaflet"]
    out.default_css = [item for item in folium.Map.default_css if item[0] == "leaflet_css"]
    page = Page(title=html.escape(title))
    page.add_child(out)
    if basemap is not None:
        source = html.escape(urlsplit(basemap).hostname or "")
        out.add_child(folium.TileLayer(basemap, attr=source, overlay=True, control=False, max_zoom=20))
    return out


def fix_ids(root: Element) -> None:
    """Number the elements of a page in their order, where they have no name of their own: folium's ids are random."""
    count = 0
    waiting = [root]
    while waiting:
        element = waiting.pop(0)
        if len(element._id) == 32 and set(element._id) <= set("0123456789abcdef"):
            count += 1
            element._id = str(count)
        waiting += [*element._children.values()]
        if isinstance(element, Figure):
            waiting += [element.header, element.html, element.script]


def _own(name: str) -> str:
    return (resources.files("lifecircle.publish") / name).read_text(encoding="utf-8").strip()
