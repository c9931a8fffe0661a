from __future__ import annotations

import pytest

from tests.tui.pacing import pace


@pytest.fixture(autouse=True)
def _paced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for what is left to do, and not for a time."""
    pace(monkeypatch)
