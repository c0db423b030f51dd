"""Laws that hold from streets to shares, whatever the town."""

import numpy as np
import pytest

from lifecircle import network, schema
from test_pencil_town import layers


def test_another_projection_changes_minutes_by_its_scale_only() -> None:
    """In UTM zone 49 lengths at 113.7 °E, 37.6 °N are 1.0003 times those of the 3° belt: every walk within 0.2 %.

    Scale on the central meridian 0.9996, times 1 + (2.7° · cos 37.6°)² / 2 = 1.0007.
    """
    index = {"streets": "street_id", "homes": "home_id", "facilities": "facility_id"}
    town = {name: schema.conform(name, layers()[name].set_index(column)) for name, column in index.items()}
    other = {name: frame.to_crs(32649) for name, frame in town.items()}
    here, there = (
        network.nearest(network.build(t["streets"]), t["homes"], t["facilities"], speed_m_s=1.0, max_leg_m=300.0)
        for t in (town, other)
    )
    walked = here.to_numpy() > 0
    ratio = (there.to_numpy() / np.where(walked, here.to_numpy(), 1.0))[walked]
    assert len(ratio) > 15
    assert ratio == pytest.approx(1.0, abs=0.002)
    assert ratio == pytest.approx(np.full(len(ratio), ratio[0]), abs=1e-5)
