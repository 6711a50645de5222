"""Exercise `early-stopping` (notebook 02): when to stop training, and which epoch's weights to keep."""

import numpy as np

from pmt_helpers.teaching.exercises.base import Exercise, Hints, Mistake


def early_stopping(val_losses: np.ndarray, patience: int) -> np.ndarray:
    """The epoch kept and the epochs run, counted from 1, as Keras' EarlyStopping(restore_best_weights=True) does it.

    val_losses: (n_epochs,), what validation would say if all epochs were run; patience: at least 1. Returns (2,).
    """
    best, kept, run = np.inf, 0, 0
    for epoch, loss in enumerate(val_losses, start=1):
        run = epoch
        if loss < best:
            best, kept = loss, epoch
        elif epoch - kept >= patience:
            break
    return np.array([kept, run])


def _last_kept(val_losses: np.ndarray, patience: int) -> np.ndarray:
    _, run = early_stopping(val_losses, patience)
    return np.array([run, run])


def _best_of_all(val_losses: np.ndarray, patience: int) -> np.ndarray:
    _, run = early_stopping(val_losses, patience)
    return np.array([np.argmin(val_losses) + 1, run])


def _stopped(val_losses: np.ndarray, worse: np.ndarray, patience: int, in_a_row: bool) -> int:
    """Epochs run when those marked `worse` use up the patience, in a row or in total."""
    waited = 0
    for epoch, is_worse in enumerate(worse, start=1):
        waited = waited + 1 if is_worse else waited * (not in_a_row)
        if waited >= patience:
            return epoch
    return len(val_losses)


def _falls(val_losses: np.ndarray) -> np.ndarray:
    """Whether each loss is lower than the one just before it; the first always counts."""
    return np.diff(val_losses, prepend=np.inf) < 0


def _best_of_those_run(val_losses: np.ndarray, patience: int) -> np.ndarray:
    run = _stopped(val_losses, ~_falls(val_losses), patience, in_a_row=True)
    return np.array([np.argmin(val_losses[:run]) + 1, run])


def _last_fall(val_losses: np.ndarray, patience: int) -> np.ndarray:
    falls = _falls(val_losses)
    run = _stopped(val_losses, ~falls, patience, in_a_row=True)
    return np.array([np.flatnonzero(falls[:run])[-1] + 1, run])


def _in_total(val_losses: np.ndarray, patience: int) -> np.ndarray:
    is_best = val_losses < np.minimum.accumulate(np.append(np.inf, val_losses))[:-1]
    run = _stopped(val_losses, ~is_best, patience, in_a_row=False)
    return np.array([np.argmin(val_losses[:run]) + 1, run])


def _equal_counts(val_losses: np.ndarray, patience: int) -> np.ndarray:
    lower_when_later = np.asarray(val_losses) - 1e-9 * np.arange(len(val_losses))
    return early_stopping(lower_when_later, patience)


def _cases() -> dict[str, tuple[np.ndarray, int]]:
    bumpy = np.array([1.9, 1.5, 1.6, 1.2, 1.3, 1.25, 1.1, 1.15, 1.2, 1.18, 1.3, 1.4, 0.9, 0.8])
    flat = np.array([1.2, 0.9, 0.9, 0.9, 0.95, 0.85])
    rng = np.random.default_rng(6)
    return {
        "bumps, and a better loss after the stop": (bumpy, 3),
        "still improving at the end": (np.array([1.4, 1.2, 1.1, 1.0, 0.95]), 2),
        "patience not used up at the end": (np.array([1.4, 1.0, 0.8, 0.9, 0.85]), 4),
        "several epochs with the same loss": (flat, 3),
        "many epochs": (2 / np.arange(1, 61) + 0.02 * np.arange(60) + rng.normal(0, 0.05, 60).round(3), 5),
    }


_PREVIOUS = (
    "this starts counting again whenever the loss is lower than one epoch before. Compare with the best loss so far: "
    "after a bad epoch, a less bad one is no progress."
)
_FROM_ZERO = "an epoch is counted from 0. Count from 1, as people and figures do: the first epoch is epoch 1."

EARLY_STOPPING = Exercise(
    id="early-stopping",
    notebook="02",
    title="When to stop",
    signature="early_stopping(val_losses, patience)",
    right="your epochs agree with ours, also when the patience is never used up. Keras does the same when it restores "
    "the best weights.",
    hints=Hints(
        nudge="Go through the losses as training would meet them, without looking ahead. What do you need to remember "
        "from epoch to epoch?",
        sketch="Remember the lowest loss so far and the epoch it was at. A lower loss replaces both. Otherwise, see "
        "how many epochs ago the best one was: when that reaches the patience, stop. The answer is the remembered "
        "epoch and the one at which you stand.",
        pointer="train_plainly in pmt_helpers/activity/online.py does it while it trains; in Keras it is the callback "
        "EarlyStopping(patience=..., restore_best_weights=True).",
    ),
    cases=_cases(),
    reference=early_stopping,
    mistakes=(
        Mistake(
            "last epoch kept",
            "it stops at the right time, but keeps the last epoch. By then the loss has been worse for a while: keep "
            "the epoch of the lowest loss.",
            _last_kept,
        ),
        Mistake(
            "swapped",
            "the two numbers are swapped: first the epoch kept, then the epochs run.",
            lambda val_losses, patience: early_stopping(val_losses, patience)[::-1],
        ),
        Mistake(
            "counted from 0",
            _FROM_ZERO,
            lambda val_losses, patience: early_stopping(val_losses, patience) - 1,
        ),
        Mistake(
            "kept, counted from 0",
            _FROM_ZERO,
            lambda val_losses, patience: early_stopping(val_losses, patience) - np.array([1, 0]),
        ),
        Mistake(
            "too early",
            "it stops one epoch too early. Patience is the number of epochs without progress that are run: with "
            "patience 3 the third of them is the last.",
            lambda val_losses, patience: early_stopping(val_losses, patience - 1),
        ),
        Mistake(
            "too late",
            "it stops one epoch too late. With patience 3, training ends after the third epoch in a row without "
            "progress.",
            lambda val_losses, patience: early_stopping(val_losses, patience + 1),
        ),
        Mistake(
            "never stops",
            "it runs all the epochs, and uses no patience. Leave the loop once there was no progress for that long.",
            lambda val_losses, patience: early_stopping(val_losses, len(val_losses) + 1),
        ),
        Mistake(
            "best of all",
            "the epoch kept was never run: the lowest loss of the whole list comes after the stop. Look only at the "
            "epochs up to there.",
            _best_of_all,
        ),
        Mistake("compared with the epoch before", _PREVIOUS, _best_of_those_run),
        Mistake("last fall kept", _PREVIOUS, _last_fall),
        Mistake(
            "in total",
            "this counts all the epochs without progress together. Only those in a row count: progress sets the count "
            "back to 0.",
            _in_total,
        ),
        Mistake(
            "equal counts",
            "an equal loss counts as progress here. Only a lower one does, so of several equal epochs the first is "
            "kept.",
            _equal_counts,
        ),
    ),
)
