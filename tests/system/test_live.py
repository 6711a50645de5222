"""The whole system on loopback, with real processes."""

import pytest

from pmt_helpers import datasets, system

WATCH = datasets.load_activity("watch")


def test_five_devices_go_through_two_releases() -> None:
    people = [1, 3, 5, 7, 9]
    table = system.run_system(WATCH, people)
    assert table[["user", "version"]].to_numpy().tolist() == [[user, v] for v in (1, 2) for user in people]
    assert table["bytes_up"].nunique() == table["bytes_down"].nunique() == 1
    assert table["bytes_up"][0] == 512
    assert (table["peak_mb"] < 150).all()
    assert table[["shared", "personal", "kept"]].stack().between(0, 1).all()
    means = table.groupby("version")[["shared", "kept"]].mean()
    assert means.loc[2, "shared"] > means.loc[1, "shared"]
    assert means.loc[2, "kept"] > means.loc[1, "kept"] > means.loc[1, "shared"]
    other = system.run_system(WATCH, [2], n_samples=5)
    assert other["bytes_up"].unique().tolist() == [512]  # whoever it is, however much data there is
    assert other["bytes_down"].unique().tolist() == table["bytes_down"].unique().tolist()


def test_nobody_left_to_volunteer_is_told() -> None:
    with pytest.raises(ValueError, match="volunteers"):
        system.run_system(WATCH, list(range(1, 10)))
