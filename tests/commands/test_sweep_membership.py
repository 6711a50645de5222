"""python -m pmt_helpers sweep membership and inversion: what they ask for, and what they write."""

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from pmt_helpers.commands.sweep import sweep
from pmt_helpers.experiments import inversion, membership


def test_membership_writes_three_grids_with_their_origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}

    def fake(data, folder, **options):
        asked.update(folder=folder, people=len(data.user_ids), **options)
        frames = [pd.DataFrame({"attack": ["lira"], name: [0.5]}) for name in ("auc", "tpr", "user")]
        return membership.MembershipGrid(*frames)

    monkeypatch.setattr(membership, "membership_grid", fake)
    arguments = ["membership", "--workers", "1", "--seed", "3", "--out", str(tmp_path), "--work", str(tmp_path)]
    assert CliRunner().invoke(sweep, arguments).exit_code == 0
    expected = {"folder": tmp_path / "membership_watch", "people": 10, "seed": 3, "workers": 1, "dask": None}
    assert asked == expected
    for name, column in (("membership", "auc"), ("membership_roc", "tpr"), ("membership_people", "user")):
        assert pd.read_csv(tmp_path / f"{name}_watch.csv")[column].tolist() == [0.5]
        origin = json.loads((tmp_path / f"{name}_watch.json").read_text())
        assert origin["command"] == "python -m pmt_helpers sweep membership --dataset watch --seed 3"
        assert origin["seed"] == 3


def test_inversion_writes_profiles_and_gradients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = []

    def fake(data, folder, **options):
        folders.append(folder)
        return pd.DataFrame({"user": [1]})

    for name in ("inversion_grid", "gradient_grid"):
        monkeypatch.setattr(inversion, name, fake)
    assert CliRunner().invoke(sweep, ["inversion", "--out", str(tmp_path), "--work", str(tmp_path)]).exit_code == 0
    names = ["inversion_watch", "gradients_watch"]
    assert folders == [tmp_path / name for name in names]
    assert all((tmp_path / f"{name}.json").is_file() for name in names)
