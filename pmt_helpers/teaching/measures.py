"""Where the measured values of the claims table come from: stored grids, data cards, code. One function a value.

A function returns a number, or a Series of numbers by group (dataset, person) when the claim is about each of them.
It raises FileNotFoundError or DataError when its source is not there: the claim is then "not measured yet".
"""

from collections.abc import Callable

import pandas as pd

from pmt_helpers.datasets.cards import load_card
from pmt_helpers.datasets.grids import read_grid


def _base_grid(name: str, **setting: str) -> pd.DataFrame:
    """The rows of a base-model grid (people left out in turn) with this recipe, validation and init."""
    grid = read_grid(name)
    for column, value in setting.items():
        grid = grid[grid[column] == value]
    return grid


def _over_people(grid: pd.DataFrame, column: str) -> float:
    """Mean over people of each person's mean over seeds: everybody counts the same."""
    return float(grid.groupby("user")[column].mean().mean())


def wisdm_users() -> float:
    """People in the WISDM file."""
    return float(load_card("wisdm").stated("size")["users"])


def wisdm_windows_mean() -> float:
    """Windows a person, on average."""
    return float(load_card("wisdm").stated("per-user")["mean"])


def wisdm_windows_sd() -> float:
    """Standard deviation over people of the number of windows."""
    return float(load_card("wisdm").stated("per-user")["sd"])


def mlp_parameters() -> float:
    """Trainable numbers of the network for 43 features and 6 classes."""
    from pmt_helpers.activity.model import build_mlp

    return float(build_mlp(43, 6).count_params())


def shared_accuracy() -> float:
    """WISDM, the paper's protocol: accuracy of the shared model for the person left out."""
    return _over_people(_base_grid("base_model_wisdm", recipe="paper", validation="random", init="he"), "accuracy")


def random_validation_excess() -> "pd.Series":
    """How much higher accuracy is on random validation windows than for the person left out, in each dataset."""
    from pmt_helpers.activity.base_grid import promise_and_truth

    excess = {}
    for dataset in ("wisdm", "watch"):
        table = promise_and_truth(read_grid(f"base_model_{dataset}")).set_index(["split", "what"])["accuracy"]
        excess[dataset] = table["random windows", "validation"] - table["random windows", "unseen person"]
    return pd.Series(excess)


MEASURES: dict[str, Callable[[], "float | pd.Series"]] = {
    function.__name__: function
    for function in (
        wisdm_users,
        wisdm_windows_mean,
        wisdm_windows_sd,
        mlp_parameters,
        shared_accuracy,
        random_validation_excess,
    )
}
