"""Stored grids: no number without its provenance, and a clear error where one cannot be written or read."""

from pathlib import Path

import pandas as pd
import pytest

from pmt_helpers.datasets import DataError
from pmt_helpers.datasets.files import check_writable
from pmt_helpers.experiments.results import read_grid, write_grid


def test_a_number_without_its_origin_is_not_stored(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="command"):
        write_grid(pd.DataFrame({"accuracy": [0.5]}), tmp_path / "grid.csv", dataset="watch")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_grid_says_how_to_make_it() -> None:
    with pytest.raises(DataError, match="sweep"):
        read_grid("no_such_grid")


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "folder")
    assert list((tmp_path / "new" / "folder").iterdir()) == []
    (tmp_path / "file").write_text("precious")
    origin = {"dataset": "watch", "dataset_digest": "", "command": "", "seed": 0, "seconds": 0}
    for use in (check_writable, lambda folder: write_grid(pd.DataFrame({"a": [1]}), folder / "grid.csv", **origin)):
        for folder in (tmp_path / "file", tmp_path / "file" / "below"):
            with pytest.raises(DataError, match=r"file[\s\S]*--out"):
                use(folder)
    assert (tmp_path / "file").read_text() == "precious"
