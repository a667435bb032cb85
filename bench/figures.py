"""Figures: how they are summed up and printed, one a line."""

import statistics
from collections.abc import Sequence


def show(name: str, value: str, unit: str, conditions: str) -> None:
    """Print one figure."""
    print(f"{name:<46} {value:>18}  {unit:<9} {conditions}", flush=True)


def span(values: Sequence[float], digits: int = 0) -> str:
    """Return the least and the greatest of several rounds."""
    low, high = f"{min(values):.{digits}f}", f"{max(values):.{digits}f}"
    return low if low == high else f"{low} to {high}"


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value below which `percent` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(percent / 100 * (len(ordered) - 1)))]


def p50_p95(seconds: Sequence[float]) -> str:
    """Return median and 95th percentile of durations in seconds, written in milliseconds."""
    return f"{statistics.median(seconds) * 1e3:.1f} / {percentile(seconds, 95) * 1e3:.1f}"
