"""`manifest.json`: what a run read, kept, rejected and wrote, in JSON that is the same on every run."""

import json
import math
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from pathlib import Path, PurePath
from typing import Any, cast

import numpy as np
import pandas as pd

from lifecircle.errors import OutputError

NAME = "manifest.json"


def write(content: Mapping[str, Any], path: Path | str) -> None:
    """Write `content` as UTF-8 JSON with two spaces of indent, in the order given.

    Sets are sorted, NaN, NaT, NA and infinity become null, dates their ISO text, arrays and Series lists, a DataFrame one object
    a row.

    Raises
    ------
    OutputError
        A value that JSON cannot hold, or a file that cannot be written.
    """
    path = Path(path)
    try:
        path.write_text(text(content), encoding="utf-8", newline="\n")
    except OSError as error:
        raise OutputError(f"{path.name} cannot be written: {error.strerror or error}.") from error


def text(content: Mapping[str, Any]) -> str:
    """The JSON text that `write` writes.

    >>> print(text({"read": 3, "share": float("nan"), "kinds": {"park", "clinic"}}), end="")
    {
      "read": 3,
      "share": null,
      "kinds": [
        "clinic",
        "park"
      ]
    }
    """
    return json.dumps(_plain(content, "manifest"), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def read(path: Path | str) -> dict[str, Any]:
    """The manifest at `path` as a dictionary.

    Raises
    ------
    OutputError
        It is missing, unreadable, or not a JSON object.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OutputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise OutputError(f"{path} is not readable JSON ({error}).") from error
    if not isinstance(content, dict):
        raise OutputError(f"{path} holds no JSON object.")
    return cast(dict[str, Any], content)


def _plain(value: Any, where: str) -> Any:
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, Enum):
        return _plain(value.value, where)
    if isinstance(value, Mapping):
        return {str(key): _plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, pd.DataFrame):
        return _plain(value.to_dict("records"), where)
    if isinstance(value, pd.Series | pd.Index | np.ndarray):
        return _plain(value.tolist(), where)
    if isinstance(value, set | frozenset):
        return sorted((_plain(item, where) for item in value), key=lambda item: (str(type(item)), str(item)))
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{place}]") for place, item in enumerate(value)]
    if isinstance(value, PurePath):
        return value.as_posix()
    return _scalar(value, where)


def _scalar(value: Any, where: str) -> Any:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, datetime) and (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0):
        value = value.date()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int | bool | str):
        return value
    raise OutputError(f"{where}: a {type(value).__name__} cannot be written to the manifest.")
