"""The made-up town the tests of this folder publish."""

import geopandas as gpd
import pytest
from published_town import town


@pytest.fixture(scope="session")
def layers() -> dict[str, gpd.GeoDataFrame]:
    """All layers of a town of 36 blocks; not to be written into."""
    return town()
