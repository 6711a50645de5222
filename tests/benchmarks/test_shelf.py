"""The benchmark of the shelf serves the same bytes from each server, and finds what each costs."""

from types import ModuleType


def test_every_server_serves_and_its_costs_are_found(benchmark: ModuleType) -> None:
    table = benchmark.compare(devices=5, at_once=2, rounds=1)
    assert table.index.tolist() == list(benchmark.SERVE)
    assert (table[["devices a second", "median ms", "MB"]] > 0).all(axis=None)
    assert (table["server CPU ms a device"] >= 0).all()  # five devices may be less than the clock can tell
