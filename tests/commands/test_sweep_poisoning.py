"""sweep poisoning and sweep defences store what they computed, under its name and with its origin."""

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from pmt_helpers.commands.sweep import sweep
from pmt_helpers.experiments import defences, poisoning
from pmt_helpers.experiments.poisoning import KEYS


def test_poisoning_stores_means_and_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}
    rows = pd.DataFrame(
        [(1, "nobody", "none", 0.0, "shared", 0, 0.8, 0.0, 0.0), (1, "user", "noise", 0.1, "local", 60, 0.5, 0.0, 0.0)],
        columns=["user", *KEYS, "accuracy", "attack_success", "target_rate"],
    )

    def fake(data, plan, folder, **options):
        asked.update(plan=plan, folder=folder, **options)
        return rows

    monkeypatch.setattr(poisoning, "poison_rows", fake)
    arguments = ["poisoning", "--split", "random", "--workers", "1", "--out", str(tmp_path), "--work", str(tmp_path)]
    result = CliRunner().invoke(sweep, arguments)
    assert result.exit_code == 0, result.output
    assert asked["plan"] == poisoning.PLANS["random"]
    assert asked["folder"] == tmp_path / "poisoning_watch_random"
    assert len(pd.read_csv(tmp_path / "poisoning_watch_random.csv")) == 2
    assert len(pd.read_csv(tmp_path / "poisoning_users_watch_random.csv")) == 1  # 0.1 is kept as a mean only
    origin = json.loads((tmp_path / "poisoning_watch_random.json").read_text())
    assert origin["command"] == "python -m pmt_helpers sweep poisoning --dataset watch --split random"


def test_defences_stores_strangers_and_volunteers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = pd.DataFrame({"user": [1]}), pd.DataFrame({"user": [1, 2]})
    monkeypatch.setattr(defences, "defence_rows", lambda *args, **options: frames)
    result = CliRunner().invoke(sweep, ["defences", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert len(pd.read_csv(tmp_path / "defences_watch.csv")) == 1
    assert len(pd.read_csv(tmp_path / "defence_costs_watch.csv")) == 2
    assert json.loads((tmp_path / "defences_watch.json").read_text())["seed"] == [0, 1, 2]
