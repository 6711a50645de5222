"""Notebook 05's exercises and quiz: a log read, a line with its interval, a board predicted, throttle bits decoded."""

import json
from collections.abc import Sequence

import numpy as np
from scipy.stats import t

from pmt_helpers.teaching.exercises import symptoms
from pmt_helpers.teaching.exercises.base import Exercise, Mistake
from pmt_helpers.teaching.questions import Question

Array = np.ndarray
Interval = tuple[float, float, float]  # a value, then the lower and the upper end


# ---- parse-record ----


def parse_log(lines: Sequence[str], origin: str) -> float:
    """lines: texts of one record each, the header first; origin: such as "measured-pi". Returns CPU seconds."""
    seconds = 0.0
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except ValueError:
            if number == len(lines):
                break
            raise ValueError(f"line {number} is damaged") from None
        if number == 1 and record["origin"] != origin:
            raise ValueError(f"the log is of {record['origin']}")
        if record.get("phase") == "train":
            seconds += record["cpu_s"]
    return seconds


_IS_TRAINING = 'record.get("phase") == "train"'
_SECONDS = 'record["cpu_s"]'
_AT_THE_END = "if number == len(lines):\n                break"
_REFUSE = 'raise ValueError(f"line {number} is damaged")'
_AT_DAMAGE = f"{_AT_THE_END}\n            {_REFUSE} from None"

PARSE_RECORD = Exercise(
    id="parse-record",
    title="Read a log",
    solution=parse_log,
    cases=symptoms.LOG_CASES,
    right="your sums agree with ours, also where the power failed, and what cannot be trusted is refused, with the "
    "number of its line. A reader that accepts everything makes a log worthless.",
    hints=(
        "Two lines look alike: one cut off by a power failure, and one damaged on the card. Where can each of them be?",
        "Number the lines from one. Try json.loads on each; where it fails, leave the line out if it is the last, else "
        "raise ValueError with the number in its text. Raise it also when the first record's origin is not the one "
        "asked for. Then add up cpu_s of the records whose phase is train; headers and samples have no phase.",
        "read_log in pmt_helpers/device/logs.py reads all of it, parse_record there looks at each field.",
    ),
    mistakes=(
        Mistake(
            "set-up too",
            "this adds up every span. Imports and loading happen once, however long one trains: take the spans whose "
            "phase is train.",
            _IS_TRAINING,
            'record["ev"] == "span"',
        ),
        Mistake(
            "inference too",
            "this leaves out setting up, but counts predictions as training. Take the spans whose phase is train.",
            _IS_TRAINING,
            'record.get("phase") in ("train", "inference")',
        ),
        Mistake(
            "wall time",
            "this is wall time, in which other programs ran as well. cpu_s is what the training itself used.",
            _SECONDS,
            'record["wall_s"]',
        ),
        Mistake(
            "last span only",
            "this is one span. Each epoch has its own: add them up.",
            "seconds += record",
            "seconds = record",
        ),
        Mistake(
            "spans counted",
            "this is how many spans there are. Add up their seconds.",
            _SECONDS,
            "1",
        ),
        Mistake(
            "last line always left out",
            "the last line is left out even where it is whole. A recorder that was stopped has written a good one: "
            "leave it out only when it is not a record.",
            "enumerate(lines, start=1)",
            "enumerate(lines[:-1], start=1)",
        ),
        Mistake(
            "other sum",
            "this is not the sum of cpu_s over the spans whose phase is train.",
            _SECONDS,
            'record["cpu_s"] / record["updates"]',
            symptoms.log_other_sum,
        ),
        Mistake(
            "dies at the cut",
            "your function stops at the last line, which a power cut left half written. All lines before it are good: "
            "leave that one out.",
            f"{_AT_THE_END}\n            raise",
            "raise",
            symptoms.log_dies_at_the_cut,
        ),
        Mistake(
            "cut miscounted",
            "with a last line that was cut off, the sum is wrong. The whole lines before it still count.",
            _AT_THE_END,
            "if number == len(lines):\n                return 0.0",
            symptoms.log_cut_miscounted,
        ),
        Mistake(
            "stops at damage",
            "at a damaged line in the middle this stops reading and returns what it has, as if the log ended there. "
            "Raise ValueError, with the line's number: only the last line can be the result of a power cut.",
            _AT_DAMAGE,
            "break",
            symptoms.log_stops_at_damage,
        ),
        Mistake(
            "swallows damage",
            "a damaged line in the middle is skipped, and the sum is of what is left: nobody will ever know that it is "
            "too small. Only the last line can be the result of a power cut; for any other raise ValueError.",
            _AT_DAMAGE,
            "continue",
            symptoms.log_damage_returned,
        ),
        Mistake(
            "other error",
            "what cannot be trusted is refused, but not with ValueError, which is what a caller will look for.",
            _REFUSE,
            'raise RuntimeError(f"line {number} is damaged")',
            symptoms.log_other_error,
        ),
        Mistake(
            "counted from zero",
            "the line is named, but counted from zero. An editor counts from one.",
            'f"line {number} is',
            'f"line {number - 1} is',
            symptoms.log_counted_from_zero,
        ),
        Mistake(
            "no number",
            "the error does not say which line is damaged. json tells the place within the line; put the line's own "
            "number in the text.",
            'f"line {number} is damaged"',
            '"a line is damaged"',
            symptoms.log_no_number,
        ),
        Mistake(
            "any origin",
            "a log of another origin is read as if it were of this one. Look at the header, and raise ValueError.",
            'number == 1 and record["origin"] != origin',
            'record["ev"] == "head"',
            symptoms.log_any_origin,
        ),
    ),
)


# ---- fit-line ----


def fit_line(x: Array, seconds: Array) -> Interval:
    """x, seconds (n,): sizes, and what each took. Returns the slope, and the lower and upper end of its interval."""
    n = len(x)
    dx, dy = x - x.mean(), seconds - seconds.mean()
    slope = (dx * dy).sum() / (dx**2).sum()
    residuals = dy - slope * dx
    variance = (residuals**2).sum() / (n - 2)
    half = t.ppf(0.975, n - 2) * np.sqrt(variance / (dx**2).sum())
    return slope, slope - half, slope + half


def _trainings() -> dict[str, tuple[Array, Array]]:
    """Made-up trainings: set-up, a slope, and scatter that is large enough to tell the mistakes apart."""
    rng = np.random.default_rng(71)

    def trainings(x: Array, setup: float, slope: float, scatter: float) -> tuple[Array, Array]:
        return x, setup + slope * x + rng.normal(0, scatter, len(x))

    return {
        "four sizes": trainings(np.array([20.0, 40.0, 80.0, 160.0]), 1.5, 0.08, 0.9),
        "twelve trainings": trainings(rng.integers(5, 120, 12).astype(float), 0.6, 0.05, 0.7),
        "sixty, hardly a slope": trainings(np.sort(rng.uniform(1, 30, 60)), 4.0, 0.01, 1.2),
    }


_CENTRED = "dx, dy = x - x.mean(), seconds - seconds.mean()"
_T = "t.ppf(0.975, n - 2)"
_ERROR = "np.sqrt(variance / (dx**2).sum())"
_ENDS = "slope, slope - half, slope + half"
_TWO = (
    "n is not what is left to estimate the scatter: the line has taken two numbers from the same points, so divide the "
    "squares by n - 2, and take the t distribution with n - 2 degrees of freedom."
)
_ZERO = (
    "this line is forced through zero. Setting up takes time even for no samples at all: subtract the means from x and "
    "from seconds first."
)
_INTERCEPT = "this is where the line starts, at no samples. What one more sample costs is its slope."
_SXX = (
    "the half width is in seconds, not in seconds per sample: divide the scatter of the points by the square root "
    "of the sum of squares of x around its mean. Sizes that are far apart make a slope certain."
)

FIT_LINE = Exercise(
    id="fit-line",
    title="A line with an interval",
    solution=fit_line,
    cases=_trainings(),
    right="your slope and its interval agree with ours. With few points the interval is wide, however well the line "
    "seems to go through them.",
    hints=(
        "How would the slope change if you recorded again? What makes it certain: many points, little scatter, or "
        "sizes that are far apart?",
        "Subtract the means from x and seconds. The slope is the sum of their products over the sum of squares of x. "
        "The residuals are what the line leaves over; the sum of their squares over n - 2, over the sum of squares of "
        "x, and the square root of all that is the slope's standard error. The half width is that times "
        "t.ppf(0.975, n - 2).",
        "fit_line in pmt_helpers/device/fits.py has scipy.stats.linregress work out the errors.",
    ),
    mistakes=(
        Mistake(
            "normal",
            "the interval is a little too narrow: 1.96 belongs to a scatter that is known. Here it is estimated from a "
            "few points, so take t.ppf(0.975, n - 2).",
            _T,
            "1.96",
        ),
        Mistake("n degrees of freedom", _TWO, _T, "t.ppf(0.975, n)"),
        Mistake("n - 1 degrees of freedom", _TWO, _T, "t.ppf(0.975, n - 1)"),
        Mistake("divided by n", _TWO, ".sum() / (n - 2)", ".sum() / n"),
        Mistake("divided by n - 1", _TWO, ".sum() / (n - 2)", ".sum() / (n - 1)"),
        Mistake(
            "one side",
            "this leaves out 5% on each side, so it is a 90% interval. For 95% leave out 2.5% on each: "
            "t.ppf(0.975, n - 2).",
            "t.ppf(0.975",
            "t.ppf(0.95",
        ),
        Mistake(
            "one standard error",
            "this is one standard error on each side. For 95% multiply it by t.ppf(0.975, n - 2).",
            f"{_T} * np",
            "np",
        ),
        Mistake("without sxx", _SXX, _ERROR, "np.sqrt(variance)"),
        Mistake("root of n", _SXX, _ERROR, "np.sqrt(variance / n)"),
        Mistake(
            "sxx without root",
            "the scatter is divided by the sum of squares of x itself. Divide by its square root: or divide the "
            "squares first, and take the root of all.",
            _ERROR,
            "np.sqrt(variance) / (dx**2).sum()",
        ),
        Mistake(
            "variance",
            "the square root is missing: this multiplies t by the variance of the slope. Its root is the standard "
            "error.",
            _ERROR,
            "variance / (dx**2).sum()",
        ),
        Mistake(
            "scatter of seconds",
            "the residuals should be what the line leaves over. Here they are the distances of seconds from their "
            "mean, with the slope still in them.",
            "dy - slope * dx",
            "dy",
        ),
        Mistake("through zero", _ZERO, f"n = len(x)\n    {_CENTRED}", "n = len(x) + 1\n    dx, dy = x, seconds"),
        Mistake("through zero, n - 2", _ZERO, _CENTRED, "dx, dy = x, seconds"),
        Mistake(
            "intercept",
            _INTERCEPT,
            f"{_ERROR}\n    return {_ENDS}",
            "np.sqrt(variance * (1 / n + x.mean() ** 2 / (dx**2).sum()))\n"
            "    start = seconds.mean() - slope * x.mean()\n"
            "    return start, start - half, start + half",
        ),
        Mistake(
            "intercept, slope's width",
            _INTERCEPT,
            f"return {_ENDS}",
            "start = seconds.mean() - slope * x.mean()\n    return start, start - half, start + half",
        ),
        Mistake(
            "axes swapped",
            "this is samples per second: x and seconds have changed places.",
            "dx, dy = x",
            "dy, dx = x",
        ),
        Mistake(
            "first and last",
            "this joins the first point with the last, and leaves the others out. Use all of them: least squares.",
            f"return {_ENDS}",
            f"slope = np.diff(seconds[[x.argmin(), x.argmax()]])[0] / np.ptp(x)\n    return {_ENDS}",
        ),
        Mistake(
            "half width",
            "the interval has its half width, but is in the wrong place: subtract it from the slope, and add it to the "
            "slope.",
            _ENDS,
            "slope, -half, half",
        ),
        Mistake(
            "ends swapped",
            "the ends are swapped: the lower one comes first.",
            _ENDS,
            "slope, slope + half, slope - half",
        ),
    ),
)


# ---- predict-zero ----


def predict(instructions: float, updates: int, setup: float, rate: float, band: float) -> Interval:
    """instructions: of one update; setup: instructions of setting up; rate: billions of instructions a second.

    Returns seconds, and the lower and the upper end of where they may lie.
    """
    total = setup + updates * instructions
    seconds = total / (rate * 1e9)
    return seconds, seconds / band, seconds * band


def _boards() -> dict[str, tuple[float, int, float, float, float]]:
    """Near what was counted, on boards that exist."""
    rng = np.random.default_rng(55)

    def made_up(
        per_update: float, updates: int, setup: float, rate: float, band: float
    ) -> tuple[float, int, float, float, float]:
        return round(per_update * rng.uniform(0.8, 1.2)), updates, round(setup * rng.uniform(0.8, 1.2)), rate, band

    return {
        "NumPy on a Pi Zero 2 W": made_up(2.5e5, 50_000, 1.5e9, 0.83, 1.3),
        "Keras on a Pi 4": made_up(6e5, 20_000, 2.5e10, 2.6, 2.0),
        "hardly any work": made_up(5e4, 10, 1e10, 5.0, 1.6),
    }


_TOTAL = "setup + updates * instructions"
_BAND = "seconds / band, seconds * band"
_UNITS = (
    "the unit is off by a power of ten. The rate is in billions of instructions per second: multiply it by 1e9 before "
    "dividing by it."
)
_FACTOR = (
    "the band is a factor. Twice as long and half as long are equally far off: divide the seconds by it for the low "
    "end, and multiply them by it for the high one."
)

PREDICT_ZERO = Exercise(
    id="predict-zero",
    title="A board you do not have",
    solution=predict,
    cases=_boards(),
    right="your seconds and their band agree with ours. Where setting up is most of it, a faster loop would not help.",
    hints=(
        "How often is setting up done in a training, and how often is an update? How does a rate turn instructions "
        "into seconds?",
        "Add up all instructions: those of setting up once, those of an update for every update. Divide by the "
        "instructions per second, which is the rate times 1e9. The low end is that over the band, the high end that "
        "times the band.",
        "predict_seconds in pmt_helpers/device/cost_model.py, with the boards of data/devices.csv; it gives setting up "
        "a wider band.",
    ),
    mistakes=(
        Mistake(
            "set-up for every update",
            "setting up is multiplied by the updates. It is done once, before the first of them.",
            _TOTAL,
            "updates * (setup + instructions)",
        ),
        Mistake(
            "no set-up",
            "setting up is left out. On a small board the imports alone can take longer than the training.",
            "setup + updates",
            "updates",
        ),
        Mistake(
            "set-up in seconds",
            "setting up is added as if it were seconds. It is instructions, too: divide all of them by the rate.",
            f"total = {_TOTAL}\n    seconds = total",
            "total = updates * instructions\n    seconds = setup + total",
        ),
        Mistake(
            "one update",
            "this is one update. Multiply its instructions by how many there are.",
            _TOTAL,
            "setup + instructions",
        ),
        Mistake("nanoseconds", _UNITS, "(rate * 1e9)", "rate"),
        Mistake("milliseconds", _UNITS, "1e9", "1e6"),
        Mistake(
            "rate not used",
            "every board takes the same time, as if each did a billion instructions per second. Divide by this one's "
            "rate.",
            "(rate * 1e9)",
            "1e9",
        ),
        Mistake(
            "times the rate",
            "a faster board takes longer here. Instructions divided by instructions per second are seconds.",
            "total / (rate * 1e9)",
            "total * rate / 1e9",
        ),
        Mistake("band added", _FACTOR, _BAND, "seconds - band, seconds + band"),
        Mistake("band as a share", _FACTOR, "seconds / band,", "seconds * (2 - band),"),
        Mistake(
            "band around work only",
            "the band is only around the updates. Setting up is uncertain, too: put it around all the seconds.",
            f"return seconds, {_BAND}",
            "ready = setup / (rate * 1e9)\n"
            "    work = seconds - ready\n"
            "    return seconds, ready + work / band, ready + work * band",
        ),
        Mistake(
            "ends swapped",
            "the ends are swapped: the lower one comes first.",
            _BAND,
            "seconds * band, seconds / band",
        ),
    ),
)


# ---- throttle-bits ----


def throttled(value: int) -> tuple[list[bool], list[bool]]:
    """value: a whole number. Returns two lists of four truths, in the table's order: now, and since the start."""
    now = [bool(value >> bit & 1) for bit in range(4)]
    since = [bool(value >> bit & 1) for bit in range(16, 20)]
    return now, since


def _values() -> dict[str, tuple[int]]:
    """What boards say, and some that they might; bits in between mean nothing and may be set."""
    rng = np.random.default_rng(91)
    made_up = {f"made up {number}": (int(rng.integers(0, 2**20)),) for number in range(1, 7)}
    return {
        "a weak supply": (0x50005,),
        "nothing at all": (0,),
        "hot now": (0xE0008,),
        "capped once": (0x20000,),
        "only now": (0x1,),
        **made_up,
    }


_BOTH = "return now, since"
_HIGH = "range(16, 20)"
_ONE_OFF = (
    "the bits are off by one. They are counted from zero: the lowest, whose value is one, is bit 0, and 1 << n has "
    "only bit n."
)

THROTTLE_BITS = Exercise(
    id="throttle-bits",
    title="Is my Pi unwell?",
    solution=throttled,
    cases=_values(),
    right="your truths agree with ours. A log with one of these bits set has measured its power supply or its heat, "
    "not your code.",
    hints=(
        "Which number has only bit 2 set? What is left of a value when you keep only the bits of that number?",
        "value >> n moves bit n to the lowest place, and & 1 keeps that one alone: a truth. Do that for n from 0 to 3, "
        "which is now, and for n from 16 to 19, which is since the start, and return the two lists.",
        "pmt_helpers/device/pi_profile.py reads the number on a Pi; samples in a log keep it as throttled.",
    ),
    mistakes=(
        Mistake(
            "halves mixed up",
            "now and since the start have changed places. The low bits are about now.",
            _BOTH,
            "return since, now",
        ),
        Mistake(
            "now twice",
            "both lists are about now. What was once since the start is sixteen bits higher.",
            _HIGH,
            "range(4)",
        ),
        Mistake(
            "next four",
            "the second list looks at bits 4 to 7, right after the first four. What was once is in bits 16 to 19.",
            _HIGH,
            "range(4, 8)",
        ),
        Mistake(
            "one too high",
            _ONE_OFF,
            f"range(4)]\n    since = [bool(value >> bit & 1) for bit in {_HIGH}]",
            "range(1, 5)]\n    since = [bool(value >> bit & 1) for bit in range(17, 21)]",
        ),
        Mistake("high half one too low", _ONE_OFF, _HIGH, "range(15, 19)"),
        Mistake("high half one too high", _ONE_OFF, _HIGH, "range(17, 21)"),
        Mistake(
            "order turned round",
            "the order is reversed: under-voltage comes first, and it is the lowest bit. Written as digits, the lowest "
            "is on the right.",
            _BOTH,
            "return now[::-1], since[::-1]",
        ),
        Mistake(
            "from the left",
            "this counts digits from the left, and the number is written without zeros in front: so the places move "
            "with its size. Bits are counted from the lowest.",
            _BOTH,
            'digits = [digit == "1" for digit in f"{value:b}".ljust(20, "0")]\n    return digits[:4], digits[16:]',
        ),
        Mistake(
            "masks kept",
            "these are the bits' values (1, 2, 4 and so on), not truths: turn each into one, or shift before you mask.",
            "now = [bool(value >> bit & 1) for bit in range(4)]\n    since = [bool(value >> bit & 1)",
            "now = [value & 1 << bit for bit in range(4)]\n    since = [value & 1 << bit",
        ),
        Mistake(
            "read as hexadecimal",
            "the value is a number already. A board writes it in hexadecimal digits; decimal digits that are read as "
            "hexadecimal give another number.",
            "now = [",
            'value = int(f"{value}", 16)\n    now = [',
        ),
        Mistake(
            "first and last digit",
            "this takes the first and the last hexadecimal digit. The first is about the time since the start only "
            "when there are five: a small value has no such digit.",
            "now = [",
            'digits = f"{value:x}"\n    value = int(digits[-1], 16) + (int(digits[0], 16) << 16)\n    now = [',
        ),
        Mistake(
            "now added to since",
            "the second list includes what is now. The board keeps its own account: report bits 16 to 19 as they are.",
            _BOTH,
            "return now, [a or b for a, b in zip(now, since)]",
        ),
        Mistake(
            "now taken off since",
            "the second list leaves out what is also now. The board keeps its own account: report bits 16 to 19 as "
            "they are.",
            _BOTH,
            "return now, [b and not a for a, b in zip(now, since)]",
        ),
        Mistake(
            "all alike",
            "all four of a list are alike: this asks whether any of them is set. Look at each bit by itself.",
            _BOTH,
            "return [any(now)] * 4, [any(since)] * 4",
        ),
    ),
)

EXERCISES = (PARSE_RECORD, FIT_LINE, PREDICT_ZERO, THROTTLE_BITS)


# ---- quiz ----

QUESTIONS = (
    Question(
        "Keras trains with one window per step and is slow on a Pi. Which change makes the training itself much "
        "faster?",
        {
            "A better power supply": "It helps a board that throttles, which the bits in a log would show. A healthy "
            "one gains nothing: what takes the time is the code between two steps.",
            "The same steps in a compiled loop": "A step is some thousands of multiplications. The Python code around "
            "each one costs far more, and a loop that is compiled as a whole leaves that out.",
            "Fewer hidden units": "There would be less arithmetic, but that is the small part: the calls around each "
            "step stay as they are.",
        },
        right="The same steps in a compiled loop",
    ),
    Question(
        "An emulated board counts one nanosecond per instruction. What can its log tell you?",
        {
            "Which of two kernels needs fewer instructions": "That is what it counts, and it does so the same way "
            "each time. How fast a real board works through them has to come from somewhere else.",
            "How hot a real Pi gets while training": "Nothing in an emulation gets hot. Temperature, throttling and "
            "the memory card are left out, which is why its log has no such readings.",
            "How many seconds a Pi 3B takes": "Only as far as a rate of one instruction per nanosecond is true of it. "
            "Caches and memory are not emulated, so it is a prediction with a band.",
        },
        right="Which of two kernels needs fewer instructions",
    ),
    Question(
        "Sending the raw windows over Wi-Fi may take less energy than training. Why train at home?",
        {
            "Because training is free once the Pi is on": "What an idle board draws is spent anyway, but a busy core "
            "draws more than an idle one, and that can still exceed a short upload.",
            "Because the windows then stay with their owner": "Energy is not the argument, and the numbers do not have "
            "to be bent to make it one. What is never sent cannot be kept, leaked or asked for.",
            "Because uploads hardly ever get through": "These windows are a few hundred kilobytes, which any link can "
            "carry. That it is so easy is rather the problem.",
        },
        right="Because the windows then stay with their owner",
    ),
)
