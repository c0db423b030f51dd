"""The walking network: streets joined, points placed, minutes on foot.

In order: `build` joins streets into a `WalkNetwork`, `place` puts ground points on it, `field` walks from the facilities to every node,
`minutes` reads any ground point from that, `nearest` does both, `pairs` lists what lies within a limit, `areas` draws service areas, `edges` draws the network,
`suited` fits it to a walker. Importing this package imports the
compiler; `import lifecircle` does not.
"""

from lifecircle.network.noding import WalkNetwork, build, edges
from lifecircle.network.outlining import areas
from lifecircle.network.placing import Placed, place, placed_as
from lifecircle.network.routing import WalkField, added, field, minutes, nearest, pairs
from lifecircle.network.walkers import suited

__all__ = [
    "Placed",
    "WalkField",
    "WalkNetwork",
    "added",
    "areas",
    "build",
    "edges",
    "field",
    "minutes",
    "nearest",
    "pairs",
    "place",
    "placed_as",
    "suited",
]
