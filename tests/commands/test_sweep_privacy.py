"""python -m pmt_helpers sweep privacy: the privacy is stored under its name, with its origin."""

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from pmt_helpers.commands.sweep import sweep
from pmt_helpers.experiments import privacy


def test_privacy_writes_the_grid_under_its_name_with_its_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}

    def fake(data, folder, **options):  # type: ignore[no-untyped-def]
        asked.update(data=data.card.name, folder=folder, **options)
        return pd.DataFrame({"level": ["user"], "epsilon": [float("inf")], "accuracy": [0.5]})

    monkeypatch.setattr(privacy, "privacy_grid", fake)
    arguments = ["privacy", "--dataset", "watch", "--workers", "2", "--out", str(tmp_path), "--work", str(tmp_path)]
    result = CliRunner().invoke(sweep, arguments)
    assert result.exit_code == 0, result.output
    assert asked == {"data": "watch", "folder": tmp_path / "privacy_watch", "workers": 2, "dask": None}
    assert pd.read_csv(tmp_path / "privacy_watch.csv")["epsilon"].tolist() == [float("inf")]
    origin = json.loads((tmp_path / "privacy_watch.json").read_text())
    assert origin["command"] == "python -m pmt_helpers sweep privacy --dataset watch"
    assert origin["delta"] == 1e-5
    assert origin["seed"] == [0, 1]
