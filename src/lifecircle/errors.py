"""What can go wrong, in one small family.

Every error is a `LifecircleError` and the built-in error a Python user would expect at the same time, so both
``except LifecircleError`` and ``except ValueError`` do what they say. The message is one or more whole sentences that
name the file, layer, row or key at fault; the command line prints it as it stands.
"""

from collections.abc import Iterable


class LifecircleError(Exception):
    """Anything lifecircle refuses to do, said in a sentence a planner can act on."""


class StudyError(LifecircleError, ValueError):
    """A `study.toml` that cannot be used; `faults` holds one sentence for each fault found.

    >>> StudyError("study.toml", ["crs: is missing", "as_of: is not a date"]).faults
    ['crs: is missing', 'as_of: is not a date']
    """

    def __init__(self, where: str, faults: Iterable[str]) -> None:
        self.where = where
        self.faults = list(faults)
        super().__init__(_listed(where, self.faults))


class SchemaError(LifecircleError, ValueError):
    """A canonical table that breaks its schema; `breaches` holds one sentence for each breach.

    >>> print(SchemaError("parcels", ["column far: 1 value below 0 (row P-7)"]))
    parcels: column far: 1 value below 0 (row P-7)
    """

    def __init__(self, table: str, breaches: Iterable[str]) -> None:
        self.table = table
        self.breaches = list(breaches)
        super().__init__(_listed(table, self.breaches))


class SourceError(LifecircleError, OSError):
    """A file, or a layer, sheet or column inside it, that cannot be read."""


class CrsError(LifecircleError, ValueError):
    """Coordinates whose system is unknown, unusable or contradicted by the numbers."""


class OutputError(LifecircleError, OSError):
    """A result that cannot be written; what was there before is still in place."""


class MissingLayerError(LifecircleError, KeyError):
    """A theme was asked for that this place has no data for."""

    def __str__(self) -> str:  # KeyError would print the repr
        return str(self.args[0]) if self.args else ""


def _listed(where: str, faults: list[str]) -> str:
    if len(faults) == 1:
        return f"{where}: {faults[0]}"
    return "\n".join([f"{where}: {len(faults)} faults", *(f"  - {fault}" for fault in faults)])
