"""The folium elements a map page is made of: the page itself, its scripts, and one element a layer."""

import html
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib import resources
from typing import Any

import folium
from branca.element import Element, Figure, MacroElement
from folium.map import Layer

from lifecircle.publish import archive, assets


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


class Held(_Part):
    """What a page carries beside its scripts: the layers by key, the pages by language, packed together once."""

    def __init__(self, name: str = "lifecircle-data", **content: Any) -> None:
        super().__init__()
        self._name = "Held"
        self.id = name
        self.content: dict[str, Any] = {"layers": {}, **content}

    @cached_property
    def packed(self) -> str:
        """The content in base64; nothing may be added to it afterwards."""
        return archive.packed(self.content)

    def put(self, figure: Any) -> None:
        """Put the content and the script that reads it into the page, once however often it is asked for."""
        figure.header.add_child(Raw(f"<style>{_own('packed.css')}</style>"), name="lifecircle_packed_css")
        figure.script.add_child(Raw(_own("packed.js")), name="lifecircle_packed")
        figure.html.add_child(
            Raw(f'<script type="text/plain" id="{html.escape(self.id)}">{self.packed}</script>'), name=self.id
        )

    def render(self, **_: Any) -> str:
        """Put it into the page."""
        self.put(self._figure())
        return ""


class Start(Held):
    """The scripts and styles of a page of ours, and the call that opens the map."""

    def render(self, **_: Any) -> str:
        """Put styles into the head and the opening call before the layers."""
        figure = self._figure()
        self.put(figure)
        figure.header.add_child(Raw(f"<style>{_own('page.css')}</style>"), name="lifecircle_css")
        figure.script.add_child(
            Raw(f"{_own('page.js')}\nlifecircle.open({self._map()}, {script_json(self.id)});"), name="lifecircle_open"
        )
        return ""


class Features(Layer):
    """A layer of a folium map, drawn from an archive on a canvas: points, lines or areas in their thousands.

    `specs` says how it is drawn, once for each language of the page; see `drawing.Drawing.add` for what it holds, and
    `frame_map.layer` for the short way there. Layers that share `held` share what they have in common.
    """

    def __init__(
        self, key: str, specs: Sequence[Mapping[str, Any]], held: Held, *, label: str = "", show: bool = True
    ) -> None:
        super().__init__(name=label or key, overlay=True, control=True, show=show)
        self._name = "Features"
        self._id = key
        self.specs = specs
        self.held = held
        held.content["layers"][key] = list(specs)

    def render(self, **kwargs: Any) -> str:
        """Put the layer into the page, and onto the map where it is shown from the start."""
        name, figure = self.get_name(), self.get_root()
        self.held.put(figure)
        made = f"var {name} = lifecircle.layer({script_json(self.held.id)}, {script_json(self._id)});"
        figure.script.add_child(Raw(made), name=name)  # type: ignore[attr-defined]
        super().render(**kwargs)  # type: ignore[no-untyped-call]
        return ""


def script_json(value: Any) -> str:
    """JSON that may stand inside a script element, whatever the texts in it say.

    >>> print(script_json("</script><b>&"))
    "\\u003c/script\\u003e\\u003cb\\u003e\\u0026"
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def make(title: str, *, center: Sequence[float], attribution: bool = False) -> folium.Map:
    """An empty map without tiles in a page of its own, without the scripts that only folium's markers need."""
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
        attribution_control=attribution,
    )
    out._id = "town"
    out.default_js = [item for item in folium.Map.default_js if item[0] == "leaflet"]
    out.default_css = [item for item in folium.Map.default_css if item[0] == "leaflet_css"]
    page = Page(title=html.escape(title))
    page.add_child(out)
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
