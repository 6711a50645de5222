"""The stored defences: what each saves, what it costs on clean data, and whom. Notebook 04.

`python -m pmt_helpers sweep defences` calls this, from `run_defences`. There is one job per person and per seed.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from pmt_helpers.activity.shared import training_rows
from pmt_helpers.activity.weights import Preprocessor
from pmt_helpers.attacks.defences import DEFENCES, poisoned_mask, removal_rates
from pmt_helpers.attacks.poisoning import Trigger, attack_success, poison_volunteers
from pmt_helpers.datasets import load_activity
from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.experiments.results import Result, activity_digest, activity_plan, read_grid
from pmt_helpers.experiments.resume import Job, JobRunner, user_jobs

ATTACKS = (
    ("none", 0.0),
    ("random", 0.3),
    ("pair", 0.3),
    ("least_likely", 0.3),
    ("least_likely", 0.5),
    ("noise", 0.3),
    ("backdoor", 0.3),
)
STRANGER = ["kind", "fraction", "defence", "accuracy", "attack_success", "target_rate", "caught", "dropped"]
VOLUNTEER = ["seed", "user", "defence", "accuracy", "dropped"]


@dataclass(frozen=True)
class DefencePlan:
    """attacks: (kind, fraction) pairs that each defence meets for each person; seeds: of the clean trainings."""

    attacks: tuple[tuple[str, float], ...] = ATTACKS
    defences: tuple[str, ...] = tuple(DEFENCES)
    seed: int = 0
    seeds: tuple[int, ...] = (0, 1, 2)


def run_defences(runner: JobRunner, *, dataset: str) -> Iterator[Result]:
    """`sweep defences`."""
    data, plan = load_activity(dataset), DefencePlan()
    strangers, volunteers = defence_rows(data, plan, runner.at(runner.folder / f"defences_{dataset}"))
    tables = {f"defences_{dataset}": strangers, f"defence_costs_{dataset}": volunteers}
    yield Result(tables, dataset, activity_digest(data), list(plan.seeds), digits=4)


def defence_rows(data: ActivityData, plan: DefencePlan, runner: JobRunner) -> tuple[pd.DataFrame, pd.DataFrame]:
    """stranger_rows of everybody and volunteer_rows of every seed, both with each user's atypicality ("unusual")."""
    settings = activity_plan(data, plan=asdict(plan))
    strangers = runner.rows(user_jobs(stranger_rows, data, plan), settings, "defences", ("user", *STRANGER))
    seed_jobs: dict[str, Job] = {f"seed-{seed}": (volunteer_rows, (data, seed, plan)) for seed in plan.seeds}
    volunteers = runner.rows(seed_jobs, settings, "costs of defences", VOLUNTEER)
    unusual = atypicality(data)
    strangers, volunteers = (rows.assign(unusual=rows["user"].map(unusual)) for rows in (strangers, volunteers))
    return strangers, volunteers


def stranger_rows(data: ActivityData, user: int, plan: DefencePlan) -> pd.DataFrame:
    """How well every defended shared model serves a person whom it does not know.

    Columns STRANGER after user. caught: share of the poisoned windows that the defence left out; dropped: share of
    the honest windows that it left out, of volunteers; NaN where a defence leaves nothing out.
    """
    mine, trigger = data.users == user, Trigger.from_data(data)
    X, y = data.X[mine], data.y[mine]
    rows = []
    for kind, fraction in plan.attacks:
        poisoned = data if kind == "none" else poison_volunteers(data, user, fraction, kind, plan.seed, trigger=trigger)
        bad = poisoned_mask(data, poisoned)
        for name in plan.defences:
            model = DEFENCES[name](poisoned, user, plan.seed)
            success = rate = caught = dropped = float("nan")
            if kind in ("none", "backdoor"):
                success, rate = attack_success(model.predict, X, y, trigger)
            if model.keep is not None:
                caught, dropped = removal_rates(model.keep, bad, ~mine)
            accuracy = (model.predict(X) == y).mean()
            rows.append((user, kind, fraction, name, accuracy, success, rate, caught, dropped))
    return pd.DataFrame(rows, columns=["user", *STRANGER])


def volunteer_rows(data: ActivityData, seed: int, plan: DefencePlan) -> pd.DataFrame:
    """What each volunteer gets when everybody volunteers and no data is poisoned: VOLUNTEER.

    accuracy: on the fifth of the volunteer's own windows that no model trains on. dropped: share of the others that
    the defence leaves out.
    """
    trained = np.zeros(len(data), bool)
    trained[training_rows(data, None, seed)] = True
    rows = []
    for name in plan.defences:
        model = DEFENCES[name](data, None, seed)
        right = model.predict(data.X) == data.y
        for user in data.user_ids:
            own = data.users == user
            dropped = float("nan") if model.keep is None else (~model.keep[own & trained]).mean()
            rows.append((seed, int(user), name, right[own & ~trained].mean(), dropped))
    return pd.DataFrame(rows, columns=VOLUNTEER)


def atypicality(data: ActivityData) -> pd.Series:
    """How differently each person moves, by user; no model is involved.

    Mean over the person's classes of the distance between the person's median window and everybody else's, in that
    class's own spreads over people, root mean square over features.
    """
    Z = Preprocessor.fit(data.X).transform(data.X)
    distances: dict[int, list[float]] = {int(user): [] for user in data.user_ids}
    for label in range(len(data.class_names)):
        of_class = data.y == label
        people = np.unique(data.users[of_class])
        medians = np.stack([np.median(Z[of_class & (data.users == user)], 0) for user in people])
        for user, median in zip(people, medians, strict=True):
            others = medians[people != user]
            off = (median - np.median(others, 0)) / (others.std(0) + 0.1)
            distances[int(user)].append(float(np.sqrt((np.minimum(np.abs(off), 10) ** 2).mean())))
    return pd.Series({user: np.mean(values) for user, values in distances.items()}, name="unusual")


def stored_defences(dataset: str, *, volunteers: bool = False) -> pd.DataFrame:
    """Defences against each attack, tested on strangers; or, with `volunteers`, what they cost volunteers."""
    return read_grid(f"defence_costs_{dataset}" if volunteers else f"defences_{dataset}")


def compare_defences(strangers: pd.DataFrame) -> pd.DataFrame:
    """Mean over people: kind, fraction, defence, accuracy, its standard error, attack_success, caught, dropped,
    change (from no defence, against the same attack), change_se, and losers (people whom the defence costs accuracy).
    """
    key = ["user", "kind", "fraction"]
    plain = strangers[strangers["defence"] == "none"].set_index(key)["accuracy"]
    change = strangers["accuracy"] - plain.reindex(pd.MultiIndex.from_frame(strangers[key])).to_numpy()
    grouped = strangers.assign(change=change, loses=change < -1e-9).groupby(STRANGER[:3], sort=False)
    return grouped.agg(
        accuracy=("accuracy", "mean"),
        accuracy_se=("accuracy", "sem"),
        attack_success=("attack_success", "mean"),
        caught=("caught", "mean"),
        dropped=("dropped", "mean"),
        change=("change", "mean"),
        change_se=("change", "sem"),
        losers=("loses", "sum"),
    ).reset_index()


def cost_per_user(volunteers: pd.DataFrame) -> pd.DataFrame:
    """What each defence costs each volunteer, seeds averaged: user, defence, unusual, accuracy, change, dropped.

    change: from the undefended model, on that person's own windows; from the plain mean for the robust averages, so
    that only the aggregation differs.
    """
    means = volunteers.groupby(["user", "defence"], sort=False)[["unusual", "accuracy", "dropped"]].mean()
    accuracy = means["accuracy"].unstack("defence")
    table = means.reset_index()
    against = ["averaged: mean" if name.startswith("averaged: ") else "none" for name in table["defence"]]
    before = [accuracy.loc[user, name] for user, name in zip(table["user"], against, strict=True)]
    table.insert(4, "change", table["accuracy"] - np.array(before))
    return table
