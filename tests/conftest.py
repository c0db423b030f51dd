"""What every test shares: nothing reaches the network, and the real places are used where they are present."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Shared machines are slow at times, which says nothing of the code; CI looks at the same examples on every run.
settings.register_profile("project", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("project")

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the project; tests that need it skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the real places (../shared/data) are not on this machine")
    return SHARED
