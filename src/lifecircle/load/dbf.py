"""What the text of a shapefile is written in: its .cpg, else the LDID byte, else what decodes."""

from __future__ import annotations

import codecs
from pathlib import Path

import numpy as np

_LDID = {
    0x03: "cp1252",
    0x4D: "gbk",
    0x4F: "big5",
    0x7A: "gbk",
    0x78: "big5",
    0x13: "cp932",
    0x7B: "cp932",
    0x4E: "cp949",
}
_SAMPLE = 2_000


def encoding_of(path: Path, *, forced: str | None = None) -> tuple[str, bool]:
    """The encoding of the .dbf beside a .shp, and whether what the file says of itself was wrong.

    Asked in order: the recipe, the .cpg, the LDID byte, strict UTF-8, GBK in its widest form (GB18030). What .cpg or
    LDID claim counts only where the text decodes so.
    """
    if forced is not None:
        return forced, False
    texts, ldid = _texts(path.with_suffix(".dbf"))
    claims = [claim for claim in (_cpg(path), _LDID.get(ldid)) if claim is not None]
    for claim in claims:
        if _decodes(texts, claim):
            return claim, False
    found = next((encoding for encoding in ("utf-8", "gb18030") if _decodes(texts, encoding)), "latin-1")
    return found, bool(claims)


def _cpg(path: Path) -> str | None:
    for beside in (path.with_suffix(".cpg"), path.with_suffix(".CPG")):
        if beside.is_file():
            said = beside.read_bytes().decode("ascii", errors="ignore").strip()
            for name in (said, f"cp{said}", said.replace("ANSI ", "cp").replace("OEM ", "cp")):
                try:
                    return codecs.lookup(name).name
                except LookupError:
                    continue
    return None


def _texts(path: Path) -> tuple[list[bytes], int]:
    """Field names and a sample of the cells that are not plain ASCII, and the LDID byte."""
    path = path if path.is_file() else path.with_suffix(".DBF")
    if not path.is_file():
        return [], 0
    raw = path.read_bytes()
    if len(raw) < 33:
        return [], 0
    rows = int.from_bytes(raw[4:8], "little")
    head, width = int.from_bytes(raw[8:10], "little"), int.from_bytes(raw[10:12], "little")
    texts, offset = [], 1
    rows = min(rows, max(0, len(raw) - head) // max(width, 1))
    body = np.frombuffer(raw, dtype=np.uint8, count=rows * width, offset=head).reshape(rows, width) if rows else None
    for start in range(32, head - 1, 32):
        if raw[start] == 0x0D:
            break
        texts.append(raw[start : start + 11].split(b"\0")[0])
        kind, length = chr(raw[start + 11]), raw[start + 16]
        if kind == "C" and body is not None:
            cells = np.ascontiguousarray(body[:, offset : offset + length])
            foreign = cells[(cells > 0x7F).any(axis=1)]
            texts += np.unique(foreign.view(f"S{length}").ravel())[:_SAMPLE].tolist()
        offset += length
    return texts, raw[29]


def _decodes(texts: list[bytes], encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)
    try:
        for text in texts:  # a sample; not final, since a field may end in the middle of a character
            decoder("strict").decode(text.rstrip(b" \0"), False)
    except UnicodeDecodeError:
        return False
    return True
