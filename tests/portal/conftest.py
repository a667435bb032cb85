"""Counts of calls begin anew with each test."""

from pathlib import Path

import pytest

from portal import rates
from portal.rates import Rates


@pytest.fixture(autouse=True)
def _fresh_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not in the database, so they would outlive a test."""
    counts = Rates(tmp_path / "rates")
    monkeypatch.setattr(rates, "shared", lambda: counts)
