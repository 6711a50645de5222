"""Measured values for the claims about adversaries (section V-A of the paper); `measures.py` has the others."""

from collections.abc import Callable

import pandas as pd

from pmt_helpers.attacks.poison_table import stored_poisoning
from pmt_helpers.datasets.grids import read_grid
from pmt_helpers.privacy import stored_privacy
from pmt_helpers.privacy.grid import privacy_cost

LIES = ("random", "pair", "next_likely", "least_likely")


def _poisoned(fraction: float, model: str, column: str, who: str = "volunteers") -> pd.Series:
    """WISDM: a column of the poisoning grid by kind, for the model with the most clean windows."""
    grid = stored_poisoning("wisdm").query("who == @who and model == @model")
    grid = grid[(grid["fraction"] == fraction) & (grid["n_samples"] == grid["n_samples"].max())]
    return grid.set_index("kind")[column]


def shared_after_lies() -> pd.Series:
    """Change of the shared model's accuracy when half of the volunteers lie, by kind of lie."""
    return _poisoned(0.5, "shared", "change")[list(LIES)]


def healed_at_30() -> pd.Series:
    """Change of personal accuracy at 60 clean windows when 30% of the volunteers lie, by kind of lie."""
    return _poisoned(0.3, "personal", "change")[list(LIES)]


def healed_at_50() -> pd.Series:
    """The same when half of them do."""
    return _poisoned(0.5, "personal", "change")[list(LIES)]


def backdoor_after_retraining() -> float:
    """Share of marked windows that the personal model takes for the backdoor's class, half of the volunteers lying."""
    return float(_poisoned(0.5, "personal", "attack_success")["backdoor"])


def _leak(dataset: str, query: str) -> float:
    return float(read_grid(f"membership_{dataset}").query(f"attack == 'calibrated' and {query}")["auc"].iloc[0])


def personal_tells_more() -> pd.Series:
    """AUC of membership inference on the personal model, minus that on the shared one."""
    found = {}
    for dataset in ("wisdm", "watch"):
        personal = _leak(dataset, "target == 'personal' and n_samples == 60 and training == '300'")
        found[dataset] = personal - _leak(dataset, "target == 'shared' and level == 'window'")
    return pd.Series(found)


def volunteers_found() -> pd.Series:
    """AUC of telling from the shared model whether a person is among its volunteers, by windows they gave."""
    return pd.Series({name: _leak(name, "target == 'shared' and level == 'person'") for name in ("wisdm", "watch")})


def window_in_a_gradient() -> pd.Series:
    """Share of windows read exactly from the gradient of one window."""
    grids = {name: read_grid(f"gradients_{name}") for name in ("wisdm", "watch")}
    return pd.Series(
        {name: grid.query("upload == 'gradient' and windows == 1")["found"].item() for name, grid in grids.items()}
    )


def private_personal_cost() -> pd.Series:
    """What epsilon 8 costs the personal model at 60 windows, against the same training without noise, by level."""
    costs = {}
    for level in ("example", "user"):
        rows = privacy_cost(stored_privacy("wisdm"), level).query("model == 'personal'").set_index("epsilon")
        costs[f"each {'window' if level == 'example' else 'volunteer'}"] = (
            rows["accuracy"][8.0] - rows["accuracy"][float("inf")]
        )
    return pd.Series(costs)


ATTACK_MEASURES: dict[str, Callable[[], "float | pd.Series"]] = {
    function.__name__: function
    for function in (
        shared_after_lies,
        healed_at_30,
        healed_at_50,
        backdoor_after_retraining,
        personal_tells_more,
        volunteers_found,
        window_in_a_gradient,
        private_personal_cost,
    )
}
