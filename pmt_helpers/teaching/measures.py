"""Where the measured values of the claims table come from: stored grids, data cards, code. One function a value.

A function returns a number, or a Series of numbers by group (dataset, person) when the claim is about each of them.
It raises FileNotFoundError or DataError when its source is not there: the claim is then "not measured yet".
"""

from collections.abc import Callable

import pandas as pd

from pmt_helpers.activity.curve_grid import stored_curve
from pmt_helpers.activity.gains import ahead_until, crossing, distance, paired_gain
from pmt_helpers.datasets.cards import load_card
from pmt_helpers.datasets.grids import read_grid
from pmt_helpers.datasets.paper import paper_table
from pmt_helpers.teaching.attack_measures import ATTACK_MEASURES
from pmt_helpers.teaching.device_measures import DEVICE_MEASURES
from pmt_helpers.teaching.topic_measures import TOPIC_MEASURES


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


def personal_over_shared() -> float:
    """WISDM, the paper's protocol: from how many samples on personal models stay ahead of the shared one."""
    return crossing(stored_curve("wisdm", "random", early_stopping=False), "personal", "shared")


def personal_ahead_of_local() -> float:
    """WISDM, the paper's protocol: the most samples with which personal models are still ahead of local ones."""
    return ahead_until(stored_curve("wisdm", "random", early_stopping=False), "personal", "local")


def gain_at_20_lower_end() -> "pd.Series":
    """Tested on another stretch of time: lower end of the interval of the mean gain at 20 samples."""
    return pd.Series({name: paired_gain(stored_curve(name), 20).low for name in ("wisdm", "watch")})


def harmed_at_20() -> "pd.Series":
    """Share of people whom a personal model of 20 samples serves worse than the shared one."""
    gains = {name: paired_gain(stored_curve(name), 20) for name in ("wisdm", "watch")}
    return pd.Series({name: len(gain.harmed) / len(gain.by_user) for name, gain in gains.items()})


def gain_on_new_bouts() -> "pd.Series":
    """Mean gain at 40 samples, tested on bouts (WISDM) or on the arm (watch) that were not trained on."""
    splits = {"wisdm": "bout", "watch": "recording"}
    return pd.Series({name: paired_gain(stored_curve(name, split), 40).mean for name, split in splits.items()})


def literal_distance_ratio() -> float:
    """Distance of the curve with literal initial weights from the paper's, over the distance with He's."""
    paper = paper_table("fig3_accuracy_smooth")
    literal, he = (
        distance(stored_curve("wisdm", "random", early_stopping=False, init=init), paper) for init in ("literal", "he")
    )
    return literal / he


MEASURES: dict[str, Callable[[], "float | pd.Series"]] = (
    {
        function.__name__: function
        for function in (
            wisdm_users,
            wisdm_windows_mean,
            wisdm_windows_sd,
            mlp_parameters,
            shared_accuracy,
            random_validation_excess,
            personal_over_shared,
            personal_ahead_of_local,
            gain_at_20_lower_end,
            harmed_at_20,
            gain_on_new_bouts,
            literal_distance_ratio,
        )
    }
    | TOPIC_MEASURES
    | ATTACK_MEASURES
    | DEVICE_MEASURES
)
