from __future__ import annotations

import pytest

from tests.tui.pacing import pace


@pytest.fixture(autouse=True)
def _paced(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for what is left to do instead of for a time; a test marked ``real_time`` is left alone."""
    if request.node.get_closest_marker("real_time") is None:
        pace(monkeypatch)
