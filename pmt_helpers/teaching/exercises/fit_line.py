"""Exercise `fit-line` (notebook 05): the seconds that one more sample costs, and how sure that is."""

from collections.abc import Callable

import numpy as np
from scipy.stats import norm, t

from pmt_helpers.teaching.exercises.base import Answer, Exercise, Hints, Mistake

Array = np.ndarray
Three = tuple[float, float, float]


def fit_line(x: Array, seconds: Array) -> Three:
    """Slope of the least-squares line, and the ends of its 95% interval. x, seconds: (n,)."""
    return _around(_slope(x, seconds), t.ppf(0.975, len(x) - 2) * _error(x, seconds))


def _around(middle: float, half: float) -> Three:
    return float(middle), float(middle - half), float(middle + half)


def _sxx(x: Array) -> float:
    return float(((x - x.mean()) ** 2).sum())


def _slope(x: Array, seconds: Array) -> float:
    return float(((x - x.mean()) * (seconds - seconds.mean())).sum() / _sxx(x))


def _off(x: Array, seconds: Array) -> Array:
    """How far each point lies off the line, (n,)."""
    return seconds - seconds.mean() - _slope(x, seconds) * (x - x.mean())


def _scatter(x: Array, seconds: Array, fewer: int = 2) -> float:
    return float(np.sqrt((_off(x, seconds) ** 2).sum() / (len(x) - fewer)))


def _error(x: Array, seconds: Array, fewer: int = 2) -> float:
    """Standard error of the slope."""
    return _scatter(x, seconds, fewer) / np.sqrt(_sxx(x))


def _with(half: Callable[[Array, Array], float]) -> Answer:
    """The right slope with another half width."""
    return lambda x, seconds: _around(_slope(x, seconds), half(x, seconds))


def _times(factor: Callable[[int], float]) -> Answer:
    return _with(lambda x, seconds: factor(len(x)) * _error(x, seconds))


def _t(x: Array) -> float:
    return float(t.ppf(0.975, len(x) - 2))


def _through_zero(fewer: int) -> Answer:
    def answer(x: Array, seconds: Array) -> Three:
        slope = float((x * seconds).sum() / (x * x).sum())
        error = np.sqrt(((seconds - slope * x) ** 2).sum() / (len(x) - fewer) / (x * x).sum())
        return _around(slope, t.ppf(0.975, len(x) - fewer) * error)

    return answer


def _intercept(x: Array, seconds: Array) -> Three:
    error = _scatter(x, seconds) * np.sqrt(1 / len(x) + x.mean() ** 2 / _sxx(x))
    return _around(seconds.mean() - _slope(x, seconds) * x.mean(), _t(x) * error)


def _intercept_for_slope(x: Array, seconds: Array) -> Three:
    return _around(seconds.mean() - _slope(x, seconds) * x.mean(), _t(x) * _error(x, seconds))


def _first_and_last(x: Array, seconds: Array) -> Three:
    first, last = x.argmin(), x.argmax()
    slope = (seconds[last] - seconds[first]) / (x[last] - x[first])
    return _around(slope, _t(x) * _error(x, seconds))


def _cases() -> dict[str, tuple[Array, Array]]:
    """Made-up trainings: set-up, a slope, and scatter that is large enough to tell."""
    rng = np.random.default_rng(71)

    def trainings(x: Array, setup: float, slope: float, scatter: float) -> tuple[Array, Array]:
        return x, setup + slope * x + rng.normal(0, scatter, len(x))

    return {
        "four sizes": trainings(np.array([20.0, 40.0, 80.0, 160.0]), 1.5, 0.08, 0.9),
        "twelve trainings": trainings(rng.integers(5, 120, 12).astype(float), 0.6, 0.05, 0.7),
        "sixty, hardly a slope": trainings(np.sort(rng.uniform(1, 30, 60)), 4.0, 0.01, 1.2),
    }


_TWO = (
    "n is not what is left to judge the scatter by: the line has taken two numbers from the same points, so divide the "
    "squares by n - 2, and take the t distribution with n - 2 degrees of freedom."
)
_ZERO = (
    "this line is forced through zero. Setting up takes time even for no samples at all: take the means off x and off "
    "seconds first."
)
_INTERCEPT = "this is where the line starts, at no samples. What one more sample costs is its slope."
_SXX = (
    "the half width is in seconds, not in seconds a sample: the scatter of the points has to be divided by the square "
    "root of the sum of squares of x around its mean. Sizes that lie far apart pin a slope down."
)

FIT_LINE = Exercise(
    id="fit-line",
    notebook="05",
    title="A line with an interval",
    signature="fit_line(x, seconds)",
    right="your slope and its interval agree with ours. With few points the interval is wide, however well the line "
    "seems to go through them.",
    hints=Hints(
        nudge="How would the slope change if you recorded again? What makes it certain: many points, little scatter, "
        "or sizes that lie far apart?",
        sketch="Take the means off x and seconds. The slope is the sum of their products over the sum of squares of x. "
        "The residuals are what the line leaves over; the sum of their squares over n - 2, over the sum of squares of "
        "x, and the square root of all that is the slope's standard error. The half width is t.ppf(0.975, n - 2) of "
        "those.",
        pointer="fit_line in pmt_helpers/device/fits.py has scipy.stats.linregress work out the errors.",
    ),
    cases=_cases(),
    reference=fit_line,
    mistakes=(
        Mistake(
            "normal",
            "the interval is a little too narrow: 1.96 belongs to a scatter that is known. Here it is estimated from a "
            "few points, so take t.ppf(0.975, n - 2).",
            _times(lambda n: float(norm.ppf(0.975))),
        ),
        Mistake("n degrees of freedom", _TWO, _times(lambda n: float(t.ppf(0.975, n)))),
        Mistake("n - 1 degrees of freedom", _TWO, _times(lambda n: float(t.ppf(0.975, n - 1)))),
        Mistake("divided by n", _TWO, _with(lambda x, seconds: _t(x) * _error(x, seconds, 0))),
        Mistake("divided by n - 1", _TWO, _with(lambda x, seconds: _t(x) * _error(x, seconds, 1))),
        Mistake(
            "one side",
            "this leaves out 5% on each side, so it is a 90% interval. For 95% leave out 2.5% on each: "
            "t.ppf(0.975, n - 2).",
            _times(lambda n: float(t.ppf(0.95, n - 2))),
        ),
        Mistake(
            "one standard error",
            "this is one standard error on each side. For 95% multiply it by t.ppf(0.975, n - 2).",
            _times(lambda n: 1.0),
        ),
        Mistake("without sxx", _SXX, _with(lambda x, seconds: _t(x) * _scatter(x, seconds))),
        Mistake(
            "root of n",
            _SXX,
            _with(lambda x, seconds: _t(x) * _scatter(x, seconds) / np.sqrt(len(x))),
        ),
        Mistake(
            "sxx without root",
            "the scatter is divided by the sum of squares of x itself. Divide by its square root: or divide the "
            "squares first, and take the root of all.",
            _with(lambda x, seconds: _t(x) * _scatter(x, seconds) / _sxx(x)),
        ),
        Mistake(
            "variance",
            "the square root is missing: this multiplies t by the variance of the slope. Its root is the standard "
            "error.",
            _with(lambda x, seconds: _t(x) * _error(x, seconds) ** 2),
        ),
        Mistake(
            "scatter of seconds",
            "the residuals should be what the line leaves over. Here they are how far seconds lie from their mean, "
            "slope and all.",
            _with(lambda x, seconds: _t(x) * np.sqrt(((seconds - seconds.mean()) ** 2).sum() / (len(x) - 2) / _sxx(x))),
        ),
        Mistake("through zero", _ZERO, _through_zero(1)),
        Mistake("through zero, n - 2", _ZERO, _through_zero(2)),
        Mistake("intercept", _INTERCEPT, _intercept),
        Mistake("intercept, slope's width", _INTERCEPT, _intercept_for_slope),
        Mistake(
            "axes swapped",
            "this is samples a second: x and seconds have changed places.",
            lambda x, seconds: fit_line(seconds, x),
        ),
        Mistake(
            "first and last",
            "this joins the first point with the last, and leaves the others out. Use all of them: least squares.",
            _first_and_last,
        ),
        Mistake(
            "half width",
            "the interval has its half width, but not its place: take it off the slope, and add it to the slope.",
            lambda x, seconds: (_slope(x, seconds), -_t(x) * _error(x, seconds), _t(x) * _error(x, seconds)),
        ),
        Mistake(
            "ends swapped",
            "the ends are swapped: the lower one comes first.",
            lambda x, seconds: tuple(np.array(fit_line(x, seconds))[[0, 2, 1]]),
        ),
    ),
)
