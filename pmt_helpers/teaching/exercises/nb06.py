"""Notebook 06's exercises and quiz: a log read, a line with its interval, a board predicted, throttle bits decoded."""

import json
from collections.abc import Sequence

import numpy as np
from scipy.stats import t

from pmt_helpers.teaching.exercises import symptoms
from pmt_helpers.teaching.exercises.base import Exercise, Mistake, where
from pmt_helpers.teaching.questions import Question

Array = np.ndarray
Case = tuple[float, ...]
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
    right="your sums equal ours, also after a power cut, and logs that cannot be trusted are refused.",
    hints=(
        "One bad line was cut off by a power failure, another was damaged on the card. Where can each of them be?",
        "Number the lines from 1 and try json.loads on each. If that fails for the last line, leave the line out. If "
        "it fails for another line, raise ValueError with the line's number in its text. Raise ValueError too if the "
        "first record has another origin. Then add up cpu_s of the records whose phase is train; headers and samples "
        "have no phase.",
        where(
            "parse_record",
            "device.logs",
            "checks each field of a record; read_log in pmt_helpers/device/logs.py reads whole logs.",
        ),
    ),
    mistakes=(
        Mistake(
            "set-up too",
            "this adds up every span, imports and loading too. Take only those whose phase is train.",
            _IS_TRAINING,
            'record["ev"] == "span"',
        ),
        Mistake(
            "inference too",
            "this counts predictions as training. Take only spans whose phase is train.",
            _IS_TRAINING,
            'record.get("phase") in ("train", "inference")',
        ),
        Mistake(
            "wall time", "this is wall time, which includes other programs: use cpu_s.", _SECONDS, 'record["wall_s"]'
        ),
        Mistake(
            "last span only",
            "these are the seconds of one span: add up all spans.",
            "seconds += record",
            "seconds = record",
        ),
        Mistake("spans counted", "this counts the spans: add up their seconds.", _SECONDS, "1"),
        Mistake(
            "last line always left out",
            "a good last line is left out. Leave it out only when it is not a record.",
            "enumerate(lines, start=1)",
            "enumerate(lines[:-1], start=1)",
        ),
        Mistake(
            "other sum",
            "the sum is wrong: add up cpu_s over the spans whose phase is train.",
            _SECONDS,
            'record["cpu_s"] / record["updates"]',
            symptoms.log_other_sum,
        ),
        Mistake(
            "dies at the cut",
            "your function stops at a last line that was cut off: leave that line out, because the others are good.",
            f"{_AT_THE_END}\n            raise",
            "raise",
            symptoms.log_dies_at_the_cut,
        ),
        Mistake(
            "cut miscounted",
            "the sum is wrong when the last line is cut off: count the whole lines before it.",
            _AT_THE_END,
            "if number == len(lines):\n                return 0.0",
            symptoms.log_cut_miscounted,
        ),
        Mistake(
            "returned, not raised",
            "your function returns where it should refuse the log: raise ValueError(text) instead.",
            _REFUSE,
            'return f"line {number} is damaged"\n            raise ValueError',
            symptoms.log_returns_the_error,
        ),
        Mistake(
            "stops at damage",
            "this stops reading at a damaged line in the middle: raise ValueError with its number.",
            _AT_DAMAGE,
            "break",
            symptoms.log_stops_at_damage,
        ),
        Mistake(
            "swallows damage",
            "your function returns a number although a line in the middle is damaged: raise ValueError.",
            _AT_DAMAGE,
            "continue",
            symptoms.log_damage_returned,
        ),
        Mistake(
            "other error",
            "the log is refused, but with another error: raise ValueError, which callers expect.",
            _REFUSE,
            'raise RuntimeError(f"line {number} is damaged")',
            symptoms.log_other_error,
        ),
        Mistake(
            "counted from zero",
            "the error counts lines from zero: count from one, as editors do.",
            'f"line {number} is',
            'f"line {number - 1} is',
            symptoms.log_counted_from_zero,
        ),
        Mistake(
            "no number",
            "the error does not say which line is damaged: put the line's own number in its text.",
            'f"line {number} is damaged"',
            '"a line is damaged"',
            symptoms.log_no_number,
        ),
        Mistake(
            "any origin",
            "a log of another origin is accepted: compare the header's origin, and raise ValueError.",
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


def _trainings(rng: np.random.Generator, x: Array, setup: float, slope: float, scatter: float) -> tuple[Array, Array]:
    """Made-up trainings, with enough scatter to tell the mistakes apart."""
    return x, setup + slope * x + rng.normal(0, scatter, len(x))


_RNG = np.random.default_rng(71)
_CENTRED = "dx, dy = x - x.mean(), seconds - seconds.mean()"
_T = "t.ppf(0.975, n - 2)"
_ERROR = "np.sqrt(variance / (dx**2).sum())"
_ENDS = "slope, slope - half, slope + half"
_START = "start = seconds.mean() - slope * x.mean()\n    return start, start - half, start + half"
_TWO = "a line has two fitted numbers: divide by n - 2, and use t with n - 2 degrees of freedom."
_ZERO = "the line is forced through zero, but set-up takes time: subtract the means of x and seconds."
_INTERCEPT = "this is where the line starts, at no samples: return the slope, the time of one more sample."
_SXX = "the half width is not in seconds per sample: divide by the square root of the sum of squares of x."

FIT_LINE = Exercise(
    id="fit-line",
    title="A slope and its interval",
    solution=fit_line,
    cases={
        "four sizes": _trainings(_RNG, np.array([20.0, 40.0, 80.0, 160.0]), 1.5, 0.08, 0.9),
        "twelve trainings": _trainings(_RNG, _RNG.integers(5, 120, 12).astype(float), 0.6, 0.05, 0.7),
        "sixty, almost no slope": _trainings(_RNG, np.sort(_RNG.uniform(1, 30, 60)), 4.0, 0.01, 1.2),
    },
    right="your slope and its interval equal ours. With few points the interval is wide, even if the fit looks good.",
    hints=(
        "How would the slope change if you recorded again? What helps: more points, less scatter, sizes far apart?",
        "Subtract the means from x and seconds. The slope is the sum of their products divided by the sum of squares "
        "of x. The residuals are the differences between seconds and the line. Divide the sum of their squares by n "
        "- 2 and by the sum of squares of x: the square root is the slope's standard error. The half width is that "
        "times t.ppf(0.975, n - 2).",
        where("fit_line", "device.fits", "does this with scipy.stats.linregress."),
    ),
    mistakes=(
        Mistake(
            "normal",
            "1.96 is right only when the scatter is known, and here it is estimated: use t.ppf(0.975, n - 2).",
            _T,
            "1.96",
        ),
        Mistake("n degrees of freedom", _TWO, _T, "t.ppf(0.975, n)"),
        Mistake("n - 1 degrees of freedom", _TWO, _T, "t.ppf(0.975, n - 1)"),
        Mistake("divided by n", _TWO, ".sum() / (n - 2)", ".sum() / n"),
        Mistake("divided by n - 1", _TWO, ".sum() / (n - 2)", ".sum() / (n - 1)"),
        Mistake("one side", "this leaves out 5% on each side: use t.ppf(0.975, n - 2).", "t.ppf(0.975", "t.ppf(0.95"),
        Mistake(
            "one standard error", "this is one standard error: multiply by t.ppf(0.975, n - 2).", f"{_T} * np", "np"
        ),
        Mistake("without sxx", _SXX, _ERROR, "np.sqrt(variance)"),
        Mistake("root of n", _SXX, _ERROR, "np.sqrt(variance / n)"),
        Mistake(
            "sxx without root",
            "divide the scatter by the square root of the sum of squares of x, not by the sum itself.",
            _ERROR,
            "np.sqrt(variance) / (dx**2).sum()",
        ),
        Mistake(
            "variance", "this uses the variance of the slope: take its square root.", _ERROR, "variance / (dx**2).sum()"
        ),
        Mistake(
            "scatter of seconds", "the residuals still contain the slope: subtract slope * x.", "dy - slope * dx", "dy"
        ),
        Mistake("through zero", _ZERO, f"n = len(x)\n    {_CENTRED}", "n = len(x) + 1\n    dx, dy = x, seconds"),
        Mistake("through zero, n - 2", _ZERO, _CENTRED, "dx, dy = x, seconds"),
        Mistake(
            "through zero, then the formula",
            _ZERO,
            "slope = (dx * dy).sum() / (dx**2).sum()\n    residuals = dy - slope * dx",
            "slope = (x * seconds).sum() / (x**2).sum()\n    residuals = seconds - slope * x",
        ),
        Mistake(
            "intercept",
            _INTERCEPT,
            f"{_ERROR}\n    return {_ENDS}",
            f"np.sqrt(variance * (1 / n + x.mean() ** 2 / (dx**2).sum()))\n    {_START}",
        ),
        Mistake("intercept, slope's width", _INTERCEPT, f"return {_ENDS}", _START),
        Mistake("axes swapped", "this is samples per second: swap x and seconds.", "dx, dy = x", "dy, dx = x"),
        Mistake(
            "first and last",
            "this uses only the first and the last point: fit all of them by least squares.",
            f"return {_ENDS}",
            f"slope = np.diff(seconds[[x.argmin(), x.argmax()]])[0] / np.ptp(x)\n    return {_ENDS}",
        ),
        Mistake("half widths", "these are half widths: return the two ends.", _ENDS, "slope, half, half"),
        Mistake("half width", "the interval is around zero: add the slope to both ends.", _ENDS, "slope, -half, half"),
        Mistake(
            "ends swapped",
            "the two ends are swapped: return the lower one first.",
            _ENDS,
            "slope, slope + half, slope - half",
        ),
    ),
)


# ---- predict-zero ----


def predict(instructions: float, updates: int, setup: float, rate: float, band: float) -> Interval:
    """instructions: of one update; setup: instructions of set-up; rate: billions of instructions per second.

    Returns seconds, and the lower and the upper end of their band.
    """
    total = setup + updates * instructions
    seconds = total / (rate * 1e9)
    return seconds, seconds / band, seconds * band


def _board(rng: np.random.Generator, per_update: float, updates: int, setup: float, rate: float, band: float) -> Case:
    """Numbers near those that were counted."""
    return round(per_update * rng.uniform(0.8, 1.2)), updates, round(setup * rng.uniform(0.8, 1.2)), rate, band


_RNG = np.random.default_rng(55)
_TOTAL = "setup + updates * instructions"
_RATE = "(rate * 1e9)"
_BAND = "seconds / band, seconds * band"
_UNITS = "the unit is wrong. The rate is in billions per second: multiply it by 1e9 before you divide."
_FACTOR = "the band is a factor: divide the seconds by it for the low end, and multiply them by it for the high end."

PREDICT_ZERO = Exercise(
    id="predict-zero",
    title="A board you do not have",
    solution=predict,
    cases={
        "NumPy on a Pi Zero 2 W": _board(_RNG, 2.5e5, 50_000, 1.5e9, 0.83, 1.3),
        "Keras on a Pi 4": _board(_RNG, 6e5, 20_000, 2.5e10, 2.6, 2.0),
        "almost no work": _board(_RNG, 5e4, 10, 1e10, 5.0, 1.6),
    },
    right="your seconds and their band equal ours. Where set-up takes most of the time, a faster loop hardly helps.",
    hints=(
        "How often is set-up done in a training, and how often an update? How does a rate turn instructions into "
        "seconds?",
        "Add up all instructions: those of set-up once, those of an update for every update. Divide by the "
        "instructions per second, which is the rate times 1e9. Divide these seconds by the band for the low end. "
        "Multiply them by the band for the high end.",
        where("predict_seconds", "device.cost_model", "does it for data/devices.csv; its set-up has a wider band."),
    ),
    mistakes=(
        Mistake(
            "set-up for every update",
            "set-up is multiplied by the updates: count it once, because it is done before the first update.",
            _TOTAL,
            "updates * (setup + instructions)",
        ),
        Mistake(
            "no set-up",
            "set-up is left out: add it, because imports can take longer than training.",
            "setup + updates",
            "updates",
        ),
        Mistake(
            "set-up in seconds",
            "set-up is added as seconds, but it is in instructions: divide it by the rate as well.",
            f"total = {_TOTAL}\n    seconds = total",
            "total = updates * instructions\n    seconds = setup + total",
        ),
        Mistake("one update", "this is one update: multiply it by updates.", _TOTAL, "setup + instructions"),
        Mistake("nanoseconds", _UNITS, _RATE, "rate"),
        Mistake("milliseconds", _UNITS, "1e9", "1e6"),
        Mistake(
            "times 1e9",
            "`a / b * 1e9` divides by b and then multiplies: put brackets around `b * 1e9`.",
            f"/ {_RATE}",
            "/ rate * 1e9",
        ),
        Mistake("rate not used", "every board takes the same time: divide by the rate.", _RATE, "1e9"),
        Mistake(
            "times the rate",
            "a faster board takes longer: divide by the rate.",
            f"total / {_RATE}",
            "total * rate / 1e9",
        ),
        Mistake("band added", _FACTOR, _BAND, "seconds - band, seconds + band"),
        Mistake("band as a share", _FACTOR, "seconds / band,", "seconds * (2 - band),"),
        Mistake(
            "band around work only",
            "set-up is uncertain too: put the band around all the seconds, not only the updates.",
            f"return seconds, {_BAND}",
            "ready = setup / (rate * 1e9)\n"
            "    work = seconds - ready\n"
            "    return seconds, ready + work / band, ready + work * band",
        ),
        Mistake(
            "ends swapped",
            "the two ends are swapped: return the lower one first.",
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


_RNG = np.random.default_rng(91)
_BOTH = "return now, since"
_HIGH = "range(16, 20)"
_BITS = f"now = [bool(value >> bit & 1) for bit in range(4)]\n    since = [bool(value >> bit & 1) for bit in {_HIGH}]"
_SINCE = "the second list uses the wrong bits: since the start is bits 16 to 19."
_FROM_LEFT = "this counts digits from the left, where places depend on the value: count from the lowest bit."
_ONE_OFF = "the bits are wrong by one place: the lowest is bit 0, and in 1 << n only bit n is set."
_OWN = "now and since the start are separate bits: return bits 16 to 19 as they are."

THROTTLE_BITS = Exercise(
    id="throttle-bits",
    title="Does my Pi slow itself down?",
    solution=throttled,
    cases={
        "a weak supply": (0x50005,),
        "nothing at all": (0,),
        "hot now": (0xE0008,),
        "capped once": (0x20000,),
        "only now": (0x1,),
        # The bits in between mean nothing and may be set.
        **{f"made up {number}": (int(_RNG.integers(0, 2**20)),) for number in range(1, 7)},
    },
    right="your lists equal ours. If one of these bits is set, a log measured the power supply or heat, not your code.",
    hints=(
        "Which number has only bit 2 set? What is left of a value when you keep only the bits of that number?",
        "value >> n moves bit n to the lowest place, and & 1 keeps only that bit: true or false. Do that for n from 0 "
        "to 3 (now) and for n from 16 to 19 (since the start). Return the two lists.",
        where("Sensors", "device.pi_profile", "reads the number on a Pi; samples in a log keep it as throttled."),
    ),
    mistakes=(
        Mistake("halves mixed up", "the two lists are swapped: the low bits are for now.", _BOTH, "return since, now"),
        Mistake("now twice", _SINCE, _HIGH, "range(4)"),
        Mistake("next four", _SINCE, _HIGH, "range(4, 8)"),
        Mistake(
            "one too high",
            _ONE_OFF,
            f"range(4)]\n    since = [bool(value >> bit & 1) for bit in {_HIGH}]",
            "range(1, 5)]\n    since = [bool(value >> bit & 1) for bit in range(17, 21)]",
        ),
        Mistake("high half one too low", _ONE_OFF, _HIGH, "range(15, 19)"),
        Mistake("high half one too high", _ONE_OFF, _HIGH, "range(17, 21)"),
        Mistake(
            "order reversed",
            "the order is reversed: the first value is under-voltage, the lowest bit.",
            _BOTH,
            "return now[::-1], since[::-1]",
        ),
        Mistake(
            "from the left",
            _FROM_LEFT,
            _BOTH,
            'digits = [digit == "1" for digit in f"{value:b}".ljust(20, "0")]\n    return digits[:4], digits[16:]',
        ),
        Mistake(
            "from the left",
            _FROM_LEFT,
            _BOTH,
            'digits = [digit == "1" for digit in f"{value:020b}"]\n    return digits[:4], digits[16:]',
        ),
        Mistake(
            "masks kept",
            "these are the values of the bits (1, 2, 4 and so on), not true or false: shift before you mask.",
            "now = [bool(value >> bit & 1) for bit in range(4)]\n    since = [bool(value >> bit & 1)",
            "now = [value & 1 << bit for bit in range(4)]\n    since = [value & 1 << bit",
        ),
        Mistake(
            'bool("0")',
            'a text with something in it is true, "0" as well: compare each digit with "1".',
            _BITS,
            'digits = f"{value:020b}"[::-1]\n'
            "    now, since = [bool(digit) for digit in digits[:4]], [bool(digit) for digit in digits[16:20]]",
        ),
        Mistake(
            "value & n",
            "`value & n` keeps the bits that are set in n: the number with only bit n set is 1 << n.",
            _BITS,
            f"now = [bool(value & bit) for bit in range(4)]\n    since = [bool(value & bit) for bit in {_HIGH}]",
        ),
        Mistake(
            "read as hexadecimal",
            "the value is a number already: do not read its decimal digits as hexadecimal.",
            "now = [",
            'value = int(f"{value}", 16)\n    now = [',
        ),
        Mistake(
            "first and last digit",
            "the first hexadecimal digit is bits 16 to 19 only when there are five digits: look at the bits.",
            "now = [",
            'digits = f"{value:x}"\n    value = int(digits[-1], 16) + (int(digits[0], 16) << 16)\n    now = [',
        ),
        Mistake("now added to since", _OWN, _BOTH, "return now, [a or b for a, b in zip(now, since)]"),
        Mistake("now subtracted from since", _OWN, _BOTH, "return now, [b and not a for a, b in zip(now, since)]"),
        Mistake(
            "all alike",
            "all values of a list are the same: look at each bit, not at whether any is set.",
            _BOTH,
            "return [any(now)] * 4, [any(since)] * 4",
        ),
    ),
)

EXERCISES = (PARSE_RECORD, FIT_LINE, PREDICT_ZERO, THROTTLE_BITS)


# ---- quiz ----

QUESTIONS = (
    Question(
        "Keras trains with one window per step and is slow on a Pi. Which change makes each step much faster?",
        {
            "A better power supply": "This helps only a board that throttles, as the bits in its log would show. What "
            "takes the time is the code between two steps.",
            "The same steps in a compiled loop": "A step is a few thousand multiplications. The Python code around it "
            "takes far longer, and a compiled loop avoids that.",
            "Fewer hidden units": "This saves arithmetic, which is the small part. The calls around each step stay as "
            "they are.",
        },
        right="The same steps in a compiled loop",
    ),
    Question(
        "An emulated board counts one nanosecond per instruction. What can its log tell you?",
        {
            "Which of two kernels needs fewer instructions": "It counts exactly that, and always in the same way. How "
            "fast a real board executes them must be measured on that board.",
            "How hot a real Pi gets while training": "An emulation has no temperature, throttling or memory card. This "
            "is why its log has no such readings.",
            "How many seconds a Pi 3B takes": "Only if a Pi 3B executes one instruction per nanosecond. Caches and "
            "memory are not emulated, so the seconds are a prediction with a band.",
        },
        right="Which of two kernels needs fewer instructions",
    ),
    Question(
        "Sending the raw windows over Wi-Fi may take less energy than training. Why train at home?",
        {
            "Because training is free once the Pi is on": "A busy core uses more power than an idle one. The "
            "difference can still exceed the energy of a short upload.",
            "Because the windows then stay with their owner": "The reason is privacy, not energy. Data that is never "
            "sent cannot be stored, leaked or requested by others.",
            "Because uploads hardly ever succeed": "These windows are a few hundred kilobytes, which any link can "
            "carry. The problem is that it is so easy.",
        },
        right="Because the windows then stay with their owner",
    ),
)
