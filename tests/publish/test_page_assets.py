"""Assets: every address a page of ours uses is covered, and nothing is left that a browser would fetch."""

import re

import folium
import folium.plugins
import pytest

from lifecircle.errors import OutputError
from lifecircle.publish import assets


def folium_addresses() -> list[tuple[str, str]]:
    """Every address folium and its plugins name, with the way it is used."""
    holders = [folium.Map, *(getattr(folium.plugins, name) for name in folium.plugins.__all__)]
    found = {
        (url, way) for holder in holders for way in ("default_js", "default_css") for _, url in getattr(holder, way, [])
    }
    return sorted(found)


def test_folium_names_many_addresses() -> None:
    """The list the next test walks over is not empty by accident."""
    assert len(folium_addresses()) > 60


@pytest.mark.parametrize(("url", "way"), folium_addresses())
def test_every_address_of_folium_is_covered(url: str, way: str) -> None:
    """Each is in the pack, ends no script or style element, and a style sheet names nothing to fetch."""
    text = assets.script(url) if way == "default_js" else assets.style(url)
    assert text
    tag = "script" if way == "default_js" else "style"
    assert f"</{tag}" not in text.lower()
    if way == "default_css":
        wanted = re.findall(r"url\(\s*[\"']?([^)\"']{1,40})", text)
        assert all(url.startswith(("data:", "#", "%23")) for url in wanted), wanted
        assert "@import" not in text


def test_a_plain_folium_page_loses_its_links() -> None:
    """A page folium renders has no script or link element left that names an address."""
    page = folium.Map(location=[32, 108], tiles=None)
    page.add_child(folium.plugins.MarkerCluster([[32, 108]]))
    html = assets.inline(page.get_root().render())
    assert "L.markerClusterGroup=" in html
    assert not re.search(
        r"<script[^>]*\ssrc=|<link\b|<iframe|<img", re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    )


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://example.org/x.js"></script>',
        "<SCRIPT type='text/javascript' SRC='https://example.org/x.js' defer>\n</SCRIPT >",
        '<link href="https://example.org/x.js" rel="stylesheet"/>',
        '<link rel="preload" href="https://example.org/x.js">',
    ],
)
def test_an_address_nobody_covers_is_named(html: str) -> None:
    """An outside script or link the pack does not hold raises with its address, and is never left in silently."""
    with pytest.raises(OutputError, match=re.escape("https://example.org/x.js")):
        assets.inline(html)


def test_a_closing_script_tag_in_an_asset_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """An asset that holds a closing script tag cannot end the element it stands in, nor run what comes behind."""
    monkeypatch.setattr(assets, "text", lambda url: 'var a = "</script><b>\\1";\n//# sourceMappingURL=a.js.map')
    assert assets.inline('<script src="u"></script>') == '<script>var a = "<\\/script><b>\\1";</script>'


def test_pictures_the_pack_lacks_become_empty_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a style sheet data URIs stay and other addresses become an empty data URI; an import is refused."""
    css = "a{b:url(data:x,y)}c{d:url( '../e.png' )}/*# sourceMappingURL=a.css.map */"
    monkeypatch.setattr(assets, "text", lambda url: css)
    assert assets.style("u") == "a{b:url(data:x,y)}c{d:url(data:,)}"
    monkeypatch.setattr(assets, "text", lambda url: "@import 'x.css';")
    with pytest.raises(OutputError, match="imports another"):
        assets.style("u")


def test_a_missing_pack_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without folium-offline the message says how to get it."""
    monkeypatch.setattr(assets, "_PACK", ("no_such_package_of_assets", "x.py"))
    assets._pack.cache_clear()
    assets._held.cache_clear()
    try:
        with pytest.raises(OutputError, match="pip install folium-offline"):
            assets.inline('<script src="u"></script>')
    finally:
        assets._pack.cache_clear()
        assets._held.cache_clear()
