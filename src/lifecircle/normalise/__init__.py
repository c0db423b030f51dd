"""Names, units, systems, geometry and kinds: raw layers to canonical tables, and a whole place to a `Study`.

`table` turns one raw layer into a canonical table and its rejects; `place` does so for every layer of a recipe, joins
registers, builds homes and returns the checked `Study` with the inventory of what was read, kept and rejected.
"""

from lifecircle.normalise.places import Inventory, place
from lifecircle.normalise.tables import Report, table

__all__ = ["Inventory", "Report", "place", "table"]
