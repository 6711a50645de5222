"""Retraining on a few windows forgets what they do not show. Three cures for it. Notebook 02, step 5."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pmt_helpers.activity.weights import Windows
from pmt_helpers.datasets.base import ActivityData


@dataclass(frozen=True)
class Cure:
    """How personal training is held back; without any of the three it is the paper's.

    layers: "output" leaves the hidden layer as the cloud made it. pull: strength of an L2 penalty on the distance from
    the shared weights. rehearsal: windows of each class, of volunteers, that travel with the shared model and are
    trained on beside the person's own.
    """

    layers: str = "all"
    pull: float = 0.0
    rehearsal: int = 0


# What is compared on stored results; how strong a cure should be for one person is chosen on the others.
CURES = {
    "output layer only": Cure(layers="output"),
    **{f"pull {strength}": Cure(pull=strength) for strength in (0.3, 1, 3, 10, 30)},
    **{f"rehearsal {per_class}": Cure(rehearsal=per_class) for per_class in (1, 3, 10, 30)},
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


def compare_ways(known: pd.DataFrame, new: pd.DataFrame, n_samples: int) -> pd.DataFrame:
    """Mean accuracy of every way to personalise, tested where the person has trained and where they have not.

    known, new: curves with all CURES, of two kinds of split; users who are in both count. Returns way, family (the
    name without its strength), known, new.
    """
    tables = [
        curve[curve["n_samples"] == n_samples].pivot_table(index="user", columns="model", values="accuracy")
        for curve in (known, new)
    ]
    both = tables[0].index.intersection(tables[1].index)
    means = [table.loc[both].mean() for table in tables]
    ways = [way for way in ("shared", "personal", *CURES) if all(way in mean for mean in means)]
    return pd.DataFrame(
        {
            "way": ways,
            "family": [family_of(way) for way in ways],
            "known": [means[0][way] for way in ways],
            "new": [means[1][way] for way in ways],
        }
    )


def family_of(way: str) -> str:
    """The name of a way to personalise without its strength: "pull 3" is of the family "pull"."""
    name, _, strength = way.rpartition(" ")
    return name if name and strength.replace(".", "", 1).isdigit() else way
