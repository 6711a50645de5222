"""sweep topic-attacks: each grid under its name, with a command that makes it again; ROC curves apart."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from pmt_helpers.commands.sweep import sweep
from pmt_helpers.experiments import topic_attacks, topics


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """What was asked to be computed, instead of computing it."""
    made: list[tuple] = []

    def fake(kind, piece, given, folder, **options):
        made.append((kind, piece.__name__, folder, options))
        if kind != "topic_membership":
            return pd.DataFrame({"seed": [0, 1], "words": [1.0, 0.5]})
        rows = pd.DataFrame({"seed": [0, 1], "documents": 100, "way": "all digits", "attack": "words"})
        rows = rows.assign(auc=[0.9, 1.0], tpr=0.7, fpr=np.nan)
        return pd.concat([rows, rows.assign(auc=np.nan, fpr=0.01, tpr=[0.2, 0.4])])

    monkeypatch.setattr(topic_attacks, "attack_rows", fake)
    return made


def test_one_grid_can_be_made_again_alone(asked: list[tuple], tmp_path: Path) -> None:
    arguments = ["topic-attacks", "--grid", "privacy", "--seeds", "2", "--workers", "1", "--work", str(tmp_path)]
    assert CliRunner().invoke(sweep, [*arguments, "--out", str(tmp_path)]).exit_code == 0
    how = {"seeds": range(2), "workers": 1, "dask": None}
    assert asked == [("topic_privacy", "privacy_piece", tmp_path / "topic_privacy_wikipedia", how)]
    origin = json.loads((tmp_path / "topic_privacy_wikipedia.json").read_text())
    assert origin["command"] == (
        "python -m pmt_helpers sweep topic-attacks --dataset wikipedia --grid privacy --seeds 2"
    )
    assert (origin["seed"], origin["rows"]) == ([0, 1], 2)


def test_membership_keeps_curves_apart_as_means_over_seeds(asked: list[tuple], tmp_path: Path) -> None:
    arguments = ["topic-attacks", "--grid", "membership", "--out", str(tmp_path), "--work", str(tmp_path)]
    assert CliRunner().invoke(sweep, arguments).exit_code == 0
    table, curve = (pd.read_csv(tmp_path / f"topic_{name}_wikipedia.csv") for name in ("membership", "roc"))
    assert list(table) == ["seed", "documents", "way", "attack", "auc", "tpr"]
    assert curve[["fpr", "tpr"]].to_numpy().ravel() == pytest.approx([0.01, 0.3])


def test_pieces_of_another_plan_are_thrown_away(tmp_path: Path) -> None:
    given = topics.collection("news")
    for n_local in (200, 150):
        other = given._replace(plan=replace(given.plan, n_local=n_local))
        rows = topic_attacks.attack_rows("topic_leak", plan_of, other, tmp_path / "work", seeds=(0, 1), workers=1)
        assert rows.to_dict("list") == {"seed": [0, 1], "n_local": [n_local, n_local]}


def plan_of(given: topics.Collection, seed: int) -> pd.DataFrame:
    return pd.DataFrame({"seed": [seed], "n_local": given.plan.n_local})
