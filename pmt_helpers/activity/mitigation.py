"""Retraining on a few windows forgets what they do not show. Three mitigations of forgetting. Notebook 02.

Last-layer fine-tuning, L2-SP (Li et al. 2018: a penalty on the distance from the shared weights) and rehearsal.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pmt_helpers.activity.weights import Windows
from pmt_helpers.datasets.base import ActivityData


@dataclass(frozen=True)
class Mitigation:
    """How personal training is held back; with none of the three it is the paper's.

    layers: "output" leaves the hidden layer as the cloud made it. l2_sp: strength of an L2 penalty on the distance from
    the shared weights. rehearsal: windows of each class, of volunteers, that travel with the shared model and are
    trained on beside the person's own.
    """

    layers: str = "all"
    l2_sp: float = 0.0
    rehearsal: int = 0


# By the names they have in stored results, where all are compared; a strength for one person is chosen on the others.
MITIGATIONS = {
    "output layer only": Mitigation(layers="output"),
    **{f"pull {strength}": Mitigation(l2_sp=strength) for strength in (0.3, 1, 3, 10, 30)},
    **{f"rehearsal {per_class}": Mitigation(rehearsal=per_class) for per_class in (1, 3, 10, 30)},
}


def rehearsal_windows(data: ActivityData, exclude_user: int, per_class: int, seed: int = 0) -> Windows:
    """`per_class` raw windows of each class, drawn from everybody but `exclude_user`, class after class.

    A larger number contains the smaller one. Whoever gives these windows gives them to every user of the model.
    Raises ValueError when a class has fewer.
    """
    rng = np.random.default_rng(seed)
    chosen = []
    for label, name in enumerate(data.class_names):
        rows = rng.permutation(np.flatnonzero((data.y == label) & (data.users != exclude_user)))
        if len(rows) < per_class:
            raise ValueError(f"class {name} has {len(rows)} windows of other people; asked for {per_class}")
        chosen.append(rows[:per_class])
    rows = np.concatenate(chosen)
    return data.X[rows], data.y[rows]


def compare_strategies(known: pd.DataFrame, new: pd.DataFrame, n_samples: int) -> pd.DataFrame:
    """Mean accuracy of each strategy to personalise, tested where the person has trained and where they have not.

    known, new: curves with all MITIGATIONS, of two kinds of split; users who are in both count. Returns strategy,
    family (the strategy without its strength), known, new.
    """
    by_user = [
        curve[curve["n_samples"] == n_samples].pivot_table(index="user", columns="model", values="accuracy")
        for curve in (known, new)
    ]
    both = by_user[0].index.intersection(by_user[1].index)
    means = pd.DataFrame({name: table.loc[both].mean() for name, table in zip(("known", "new"), by_user, strict=True)})
    strategies = [name for name in ("shared", "personal", *MITIGATIONS) if name in means.dropna().index]
    table = means.loc[strategies].rename_axis("strategy").reset_index()
    table.insert(1, "family", table["strategy"].map(strategy_family))
    return table


def strategy_family(strategy: str) -> str:
    """A strategy without its strength: "pull 3" is of the family "pull"."""
    name, _, strength = strategy.rpartition(" ")
    return name if name and strength.replace(".", "", 1).isdigit() else strategy
