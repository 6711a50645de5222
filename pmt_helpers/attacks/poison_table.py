"""Reading the stored poisonings: means over people, one poisoning by samples, when it is healed. Notebook 04."""

import numpy as np
import pandas as pd

from pmt_helpers.datasets.grids import read_grid

KEYS = ["who", "kind", "fraction", "model", "n_samples"]
MEASURES = ["accuracy", "attack_success", "target_rate"]


def over_users(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean over users with its standard error, and the same of each user's change from no poison at all.

    Columns: KEYS, users, accuracy, accuracy_se, change, change_se, harmed (users who are worse off), attack_success,
    target_rate.
    """
    clean = rows[rows["kind"] == "none"].set_index(["user", "model", "n_samples"])["accuracy"]
    before = pd.MultiIndex.from_frame(rows[["user", "model", "n_samples"]])
    change = rows["accuracy"] - clean.reindex(before).to_numpy()
    grouped = rows.assign(change=change, worse=change < -1e-9).groupby(KEYS, sort=False)
    return grouped.agg(
        users=("user", "size"),
        accuracy=("accuracy", "mean"),
        accuracy_se=("accuracy", "sem"),
        change=("change", "mean"),
        change_se=("change", "sem"),
        harmed=("worse", "sum"),
        attack_success=("attack_success", "mean"),
        target_rate=("target_rate", "mean"),
    ).reset_index()


def per_user(rows: pd.DataFrame, fractions: tuple[float, ...] = (0.0, 0.3, 0.5)) -> pd.DataFrame:
    """The part of the rows worth keeping person by person: the shared model, and the models of most samples."""
    most = rows["n_samples"].max()
    return rows[rows["fraction"].isin(fractions) & rows["n_samples"].isin([0, most])].reset_index(drop=True)


def grid_name(dataset: str, split: str = "blocked", users: bool = False) -> str:
    """The name of a stored poisoning grid; with `users`, of the one that has a row for each person."""
    return "_".join(["poisoning_users" if users else "poisoning", dataset, split])


def stored_poisoning(dataset: str, split: str = "blocked", *, users: bool = False) -> pd.DataFrame:
    """A poisoning grid of data/results. Raises DataError when there is none."""
    return read_grid(grid_name(dataset, split, users))


def healing_curve(grid: pd.DataFrame, who: str, kind: str, fraction: float) -> pd.DataFrame:
    """Rows of one poisoning for the three models, by n_samples; what the poison does not reach is its clean row.

    Volunteers' labels do not reach the local model, a poisoned device does not reach the shared one. `kind` of the
    result says which rows are clean ("none"). Raises ValueError for a poisoning that is not in the grid.
    """
    clean = grid[grid["kind"] == "none"]
    if fraction == 0 or kind == "none":
        return clean.reset_index(drop=True)
    found = grid[(grid["who"] == who) & (grid["kind"] == kind) & np.isclose(grid["fraction"], fraction)]
    if found.empty:
        there = grid.loc[grid["kind"] != "none", ["who", "kind", "fraction"]]
        raise ValueError(
            f"no poisoning of {who} by {kind} at {fraction} in this grid; there are "
            + "; ".join(f"{column}: {', '.join(map(str, there[column].unique()))}" for column in there)
        )
    return pd.concat([clean[~clean["model"].isin(found["model"])], found], ignore_index=True)


def windows_to_heal(
    grid: pd.DataFrame, kind: str, fraction: float, within: float = 0.03, who: str = "volunteers"
) -> float:
    """The fewest windows from which on the personal model is within so much of the clean one; NaN when never."""
    rows = healing_curve(grid, who, kind, fraction).query("model == 'personal'").sort_values("n_samples")
    far = rows.loc[rows["change"] < -within, "n_samples"]
    healed = rows["n_samples"] if far.empty else rows.loc[rows["n_samples"] > far.max(), "n_samples"]
    return float(healed.min()) if len(healed) else float("nan")
