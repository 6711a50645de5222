"""Exercise `paired-bootstrap` (notebook 02): how sure is a mean gain, when the same people are measured twice?"""

import numpy as np

from pmt_helpers.teaching.exercises import interval_symptoms
from pmt_helpers.teaching.exercises.base import Exercise, Hints, Mistake

Array = np.ndarray


def paired_interval(before: Array, after: Array, n_resamples: int, seed: int) -> Array:
    """The 2.5% and 97.5% quantiles of the mean gain, over resamples of people. before, after: (n_people,)."""
    gains = after - before
    people = np.random.default_rng(seed).integers(0, len(gains), (n_resamples, len(gains)))
    return np.quantile(gains[people].mean(axis=1), [0.025, 0.975])


def _quantiles(outside: float, before: Array, after: Array, n_resamples: int, seed: int) -> Array:
    gains = after - before
    people = np.random.default_rng(seed).integers(0, len(gains), (n_resamples, len(gains)))
    return np.quantile(gains[people].mean(axis=1), [outside, 1 - outside])


def _unpaired(before: Array, after: Array, n_resamples: int, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    means = [rng.choice(values, (n_resamples, len(values))).mean(axis=1) for values in (after, before)]
    return np.quantile(means[0] - means[1], [0.025, 0.975])


_NO_WIDTH = "the interval has no width: every resample has the same mean. "

PAIRED_BOOTSTRAP = Exercise(
    id="paired-bootstrap",
    notebook="02",
    title="How sure is the mean gain?",
    signature="paired_interval(before, after, n_resamples, seed)",
    right="your interval holds the share of resampled means that it should, and the seed decides which are drawn. Each "
    "person kept their own two numbers: that is what makes it narrow.",
    hints=Hints(
        nudge="Each person comes with two numbers. If you draw a person twice, which numbers come along?",
        sketch="First each person's own gain. Make one generator from the seed. Draw as many people as there are, with "
        "replacement, and average their gains; do that n_resamples times. The interval goes from the 2.5% to the 97.5% "
        "quantile of those averages.",
        pointer="mean_interval in pmt_helpers/activity/evaluation.py hands the gains to scipy.stats.bootstrap.",
    ),
    cases=interval_symptoms.CASES,
    reference=paired_interval,
    judged_by_symptoms=True,
    mistakes=(
        Mistake(
            "ends swapped",
            "the two ends are swapped: the lower one comes first.",
            lambda *arguments: paired_interval(*arguments)[::-1],
            interval_symptoms.ends_swapped,
        ),
        Mistake(
            "sign swapped",
            "this is before minus after, so a gain looks like a loss. A gain is what comes after minus what was "
            "before.",
            lambda before, after, n_resamples, seed: paired_interval(after, before, n_resamples, seed),
            interval_symptoms.sign_swapped,
        ),
        Mistake(
            "percent",
            "this is in percentage points. Leave it as a fraction, as the accuracies that came in are.",
            lambda *arguments: 100 * paired_interval(*arguments),
            interval_symptoms.percent,
        ),
        Mistake(
            "without replacement",
            _NO_WIDTH + "Draw with replacement, so that some people come twice and others not at all.",
            lambda before, after, n_resamples, seed: np.repeat((after - before).mean(), 2),
            interval_symptoms.no_width_at_the_mean,
        ),
        Mistake(
            "one resample, again and again",
            _NO_WIDTH
            + "Make the generator once, before the resamples: made anew from the same seed it repeats itself.",
            lambda before, after, n_resamples, seed: paired_interval(before, after, 1, seed),
            interval_symptoms.no_width,
        ),
        Mistake(
            "over people",
            "this says how much people differ. The question is how sure their mean is: average each resample first, "
            "then take the quantiles of the averages.",
            lambda before, after, n_resamples, seed: np.quantile(after - before, [0.025, 0.975]),
            interval_symptoms.over_people,
        ),
        Mistake(
            "unpaired",
            "the interval is far too wide: before and after come from different people, so it measures how people "
            "differ. Draw people, and take both numbers of each.",
            _unpaired,
            interval_symptoms.far_too_wide,
        ),
        Mistake(
            "5% and 95%",
            "this leaves out 5% on each side, so it holds 90% of the resampled means. For 95% leave out 2.5% on each "
            "side.",
            lambda *arguments: _quantiles(0.05, *arguments),
            interval_symptoms.ninety_percent,
        ),
        Mistake(
            "extremes",
            "this goes from the smallest to the largest resampled mean, or nearly so. It grows with every resample: "
            "take the 2.5% and 97.5% quantiles.",
            lambda *arguments: _quantiles(0.0, *arguments),
            interval_symptoms.extremes,
        ),
        Mistake(
            "another interval",
            "the interval is not where it should be. About 2.5% of the mean gains of resampled people should lie below "
            "it, and as many above.",
            lambda *arguments: _quantiles(0.16, *arguments),
            interval_symptoms.not_the_interval,
        ),
        Mistake(
            "seed ignored",
            "different seeds give the same interval. Make the random generator from the seed that comes in.",
            lambda before, after, n_resamples, seed: paired_interval(before, after, n_resamples, 42),
            interval_symptoms.seed_ignored,
        ),
        Mistake(
            "not repeatable",
            "the same seed gives another interval every time. Make the generator from the seed, inside of the "
            "function.",
            lambda before, after, n_resamples, seed: paired_interval(
                before, after, n_resamples, int(np.random.default_rng().integers(2**30))
            ),
            interval_symptoms.not_repeatable,
        ),
    ),
)
