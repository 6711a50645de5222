"""The benchmark of the recorder measures both costs and gives a ratio for each round."""

from pathlib import Path
from types import ModuleType


def test_costs_and_ratios_are_found(benchmark: ModuleType, tmp_path: Path) -> None:
    span, sample = benchmark.costs(tmp_path, times=3)
    assert min(*span, *sample) > 0
    ratios = benchmark.slowdown(tmp_path, 0.01, rounds=2, turn_s=0.02)
    assert len(ratios) == 2
    assert min(ratios) > 0
