"""The walking network: streets joined, points placed, minutes on foot.

In order: `build` joins streets into a `WalkNetwork`, `place` puts ground points on it, `nearest` gives minutes from homes to the
nearest facility of each kind, `pairs` lists what lies within a limit, `edges` draws the network. Importing this package imports the
compiler; `import lifecircle` does not.
"""

from lifecircle.network.noding import WalkNetwork, build, edges
from lifecircle.network.placing import place
from lifecircle.network.routing import nearest, pairs

__all__ = ["WalkNetwork", "build", "edges", "nearest", "pairs", "place"]
