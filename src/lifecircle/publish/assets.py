"""Everything a map page would fetch, put into the page: one file that asks nothing of any network.

The package ``folium-offline`` is used as a pack of assets and for nothing else: its table of web address → text is read
out of its source, none of its code runs.
"""

import ast
import re
from functools import cache
from importlib import resources

from lifecircle.errors import OutputError

_PACK = ("offlinefolium", "elements.py")
_SCRIPT = re.compile(
    r"<script\b[^>]*?\bsrc\s*=\s*([\"'])(?P<url>.*?)\1[^>]*>\s*</script\s*>", re.IGNORECASE | re.DOTALL
)
_LINK = re.compile(r"<link\b[^>]*?\bhref\s*=\s*([\"'])(?P<url>.*?)\1[^>]*>", re.IGNORECASE | re.DOTALL)
_REL = re.compile(r"\brel\s*=\s*[\"']?([a-z-]+)", re.IGNORECASE)
_CSS_URL = re.compile(r"url\(\s*([\"']?)(?P<url>.*?)\1\s*\)", re.DOTALL)
_CSS_IMPORT = re.compile(r"@import\s[^;]+;")
_SOURCE_MAP = re.compile(r"(//[#@]\s*sourceMappingURL=[^\s'\"]+\s*$|/\*[#@]\s*sourceMappingURL=[^*]*\*/)", re.MULTILINE)
_NOTHING = "data:,"


def inline(html: str) -> str:
    """`html` with every outside script and style sheet replaced by its text.

    Style sheets keep the images they carry as data URIs; a picture the pack does not hold (an old browser's copy of one
    it does hold, a spinner) becomes an empty one.

    Raises
    ------
    OutputError
        A script or link whose address the pack does not hold, naming it.

    >>> inline('<link rel="stylesheet" href="https://example.org/a.css"/>')
    Traceback (most recent call last):
    lifecircle.errors.OutputError: The map page needs https://example.org/a.css, which the installed folium-offline does not hold.
    """
    html = _SCRIPT.sub(lambda found: f"<script>{script(found['url'])}</script>", html)
    return _LINK.sub(_linked, html)


def script(url: str) -> str:
    """The JavaScript at `url`, fit to stand between script tags.

    Raises
    ------
    OutputError
        The pack does not hold it.
    """
    return _SOURCE_MAP.sub("", re.sub(r"</(?=script)", r"<\\/", text(url), flags=re.IGNORECASE)).strip()


def style(url: str) -> str:
    """The style sheet at `url`, without anything a browser would fetch, fit to stand between style tags.

    Raises
    ------
    OutputError
        The pack does not hold it, or it imports another sheet.
    """
    css = _SOURCE_MAP.sub("", text(url))
    if _CSS_IMPORT.search(css):
        raise OutputError(f"The style sheet {url} imports another one, which cannot be put into the page.")
    css = _CSS_URL.sub(lambda found: found[0] if found["url"].startswith(("data:", "#")) else f"url({_NOTHING})", css)
    return re.sub(r"</(?=style)", r"<\\/", css, flags=re.IGNORECASE).strip()


def _linked(found: "re.Match[str]") -> str:
    rel = _REL.search(found[0])
    if rel is not None and rel[1].lower() != "stylesheet":
        raise OutputError(f"The map page links to {found['url']} ({rel[1]}), which cannot be put into it.")
    return f"<style>{style(found['url'])}</style>"


def text(url: str) -> str:
    """The text the pack holds for `url`.

    Raises
    ------
    OutputError
        The pack does not hold it, or is not installed.
    """
    held = _held(url)
    if held is None:
        raise OutputError(f"The map page needs {url}, which the installed folium-offline does not hold.")
    return held


@cache
def _held(url: str) -> str | None:
    source = _pack()
    start = source.find(f"\n_res[{url!r}] = '''".encode())
    if start < 0:
        return None
    opening = source.index(b"'''", start)
    closing = source.index(b"'''", opening + 3)
    while _escaped(source, closing):
        closing = source.index(b"'''", closing + 1)
    return str(ast.literal_eval(source[opening : closing + 3].decode()))


def _escaped(source: bytes, place: int) -> bool:
    before = source[max(0, place - 20) : place]
    return (len(before) - len(before.rstrip(b"\\"))) % 2 == 1


@cache
def _pack() -> bytes:  # as text it would take four times the memory
    package, name = _PACK
    try:
        return (resources.files(package) / name).read_bytes().replace(b"\r\n", b"\n")
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise OutputError(
            "Maps need the package folium-offline (pip install folium-offline==0.20.0.2), which is not installed."
        ) from error
