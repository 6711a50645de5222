"""python -m pmt_helpers sweep private-attacks, and what it found: what is protected is what can no longer be told."""

import json
import math
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from pmt_helpers.commands import sweep_private_attacks
from pmt_helpers.commands.sweep import sweep
from pmt_helpers.datasets import load_activity
from pmt_helpers.experiments.results import read_grid


def test_every_level_and_epsilon_is_attacked_and_written_with_its_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fake(data, level, epsilon, models):  # type: ignore[no-untyped-def]
        asked.append((data.card.name, level, epsilon, models))
        found = {"game": ["window"], "attack": ["loss"], "auc": [0.5], "tpr": [0.01], "accuracy": [0.7]}
        return pd.DataFrame({"level": [level], "epsilon": [epsilon], **found})

    monkeypatch.setattr(sweep_private_attacks, "attack_private_models", fake)
    arguments = ["private-attacks", "--models", "4", "--workers", "1", "--out", str(tmp_path), "--work", str(tmp_path)]
    result = CliRunner().invoke(sweep, arguments)
    assert result.exit_code == 0, result.output
    wanted = [("watch", level, epsilon, 4) for level in ("example", "user") for epsilon in (math.inf, 8.0, 3.0, 1.0)]
    assert sorted(asked) == sorted(wanted)
    assert len(pd.read_csv(tmp_path / "private_attacks_watch.csv")) == len(wanted)
    origin = json.loads((tmp_path / "private_attacks_watch.json").read_text())
    assert origin["command"] == "python -m pmt_helpers sweep private-attacks --dataset watch --models 4"


def stored(dataset: str, level: str, game: str) -> pd.DataFrame:
    rows = read_grid(f"private_attacks_{dataset}").query("attack == 'calibrated' and level == @level and game == @game")
    return rows.set_index("epsilon").sort_index()


@pytest.mark.parametrize("dataset", ["watch", "wisdm"])
@pytest.mark.parametrize("level", ["example", "user"])
def test_less_epsilon_tells_less(dataset: str, level: str) -> None:
    for game in ("window", "person"):
        assert stored(dataset, level, game)["auc"].is_monotonic_increasing


@pytest.mark.parametrize("dataset", ["watch", "wisdm"])
def test_a_protected_volunteer_is_hardly_found_and_a_protected_windows_giver_still_is(dataset: str) -> None:
    volunteer, window = stored(dataset, "user", "person"), stored(dataset, "example", "person")
    assert volunteer["auc_high"][8.0] < volunteer["auc_low"][math.inf] - 0.15
    assert volunteer["auc_low"][1.0] < 0.53
    assert window["auc_low"][8.0] > 0.8


def test_a_stored_row_comes_out_again_with_fewer_models() -> None:
    rows = sweep_private_attacks.attack_private_models(load_activity("watch"), "user", 8.0, models=4)
    kept = stored("watch", "user", "window").loc[8.0]
    found = rows.query("game == 'window' and attack == 'calibrated'").iloc[0]
    assert found["auc"] == pytest.approx(kept["auc"], abs=0.02)
    assert found["accuracy"] == pytest.approx(kept["accuracy"], abs=0.08)
