"""Blue team: write a filter of training windows, and have it scored on attacks that you do not see. Notebook 04."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from pmt_helpers.activity.quick_shared import train_shared_quickly, training_rows
from pmt_helpers.attacks.defence_grid import changed, left_out
from pmt_helpers.attacks.defences import Filter
from pmt_helpers.attacks.hidden_rounds import Misuse, Round, call, check_length, hidden_rounds
from pmt_helpers.attacks.poisoning import poison_volunteers
from pmt_helpers.datasets.activity_data import ActivityData

ATTACKS = (("none", 0.0), ("random", 0.3), ("pair", 0.3), ("least_likely", 0.3), ("noise", 0.3))


@dataclass(frozen=True)
class DefenceScore:
    """How well a filter protects people whom the shared model does not know.

    rounds: a row for each hidden round and attack: attack, undefended, yours, perfect (accuracy of the shared model,
    mean over the people left out; perfect leaves out what is poisoned and nothing else), caught and dropped (share of
    the poisoned and of the honest windows that your filter leaves out). problem: why it was not scored, or None.
    """

    rounds: pd.DataFrame
    problem: str | None = None

    @property
    def gain(self) -> float:
        """Mean accuracy won over no defence, the rounds without an attack included; NaN when not scored."""
        return float((self.rounds["yours"] - self.rounds["undefended"]).mean()) if len(self.rounds) else float("nan")

    def by_attack(self) -> pd.DataFrame:
        """Means over rounds: attack, undefended, yours, perfect, caught, dropped."""
        return self.rounds.groupby("attack", sort=False).mean().reset_index()

    def __str__(self) -> str:
        if self.problem is not None:
            return f"Not scored: {self.problem}"
        won, possible = self.gain, (self.rounds["perfect"] - self.rounds["undefended"]).mean()
        peace = self.rounds[self.rounds["attack"] == "none"]
        cost, dropped = (peace["undefended"] - peace["yours"]).mean(), peace["dropped"].mean()
        return (
            f"Your filter wins strangers {100 * won:+.1f} points over no defence; leaving out exactly what is poisoned "
            f"would win {100 * possible:+.1f}. When nobody lies it drops {100 * dropped:.0f}% of honest windows and "
            f"costs {100 * cost:.1f} points."
        )


def score_defence(chosen: Filter, data: ActivityData, *, n_rounds: int = 4, progress: bool = True) -> DefenceScore:
    """Put `chosen` before the training of the shared model, in hidden rounds of five attacks (one of them: none).

    chosen(X, y, users) gets what the volunteers sent: raw windows (n, n_features), labels (n,), and numbers that tell
    the volunteers apart (n,), other numbers each time. It returns (n,) bool: True for the windows to train on.
    Nothing is raised for a filter that breaks the rules: the score says which one.
    """
    games = [(one, *attack) for one in hidden_rounds(data, n_rounds) for attack in ATTACKS]
    rows = []
    bar = tqdm(games, desc="hidden rounds", unit="attack", leave=False, disable=not progress)
    for game in bar:
        try:
            rows.append(_play(chosen, *game))
        except Misuse as misuse:
            bar.close()
            return DefenceScore(pd.DataFrame(), str(misuse))
    return DefenceScore(pd.DataFrame(rows))


def _play(chosen: Filter, one: Round, kind: str, fraction: float) -> dict[str, float | str]:
    honest = one.volunteers
    poisoned = honest if kind == "none" else poison_volunteers(honest, None, fraction, kind, one.seed)
    bad = changed(honest, poisoned)
    keep = _kept(chosen, poisoned, one.seed)
    masks = {"undefended": None, "yours": keep, "perfect": ~bad if bad.any() else None}
    accuracies = {
        name: one.accuracy(train_shared_quickly(poisoned, seed=one.seed, keep=mask)) for name, mask in masks.items()
    }
    caught, dropped = left_out(keep, bad, ~bad)
    return {"attack": kind, **accuracies, "caught": caught, "dropped": dropped}


def _kept(chosen: Filter, poisoned: ActivityData, seed: int) -> np.ndarray:
    """The filter's choice, (n_windows,) bool. Raises Misuse for what the rules do not allow."""
    people, numbers = np.unique(poisoned.users, return_inverse=True)
    users = np.random.default_rng(seed).permutation(len(people))[numbers]  # so that no number gives anybody away
    returned = call(chosen, {"X": poisoned.X, "y": poisoned.y, "users": users})
    mask = check_length(returned, len(poisoned), "True or False")
    if mask.dtype != bool:
        raise Misuse(
            f"return True or False for each window, dtype bool; this returned {mask.dtype}. A comparison gives one, "
            "such as distance < 3."
        )
    if not mask[training_rows(poisoned, None, seed)].any():
        raise Misuse(
            "no window is kept to train on: True keeps a window, False leaves it out. Is it the wrong way round?"
        )
    return mask
