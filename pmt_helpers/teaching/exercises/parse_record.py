"""Exercise `parse-record` (notebook 05): read a log strictly, but forgive the line that a power cut left behind.

Judged by symptoms (log_symptoms.py), since half of the answer is what it refuses.
"""

import json
from collections.abc import Callable

from pmt_helpers.teaching.exercises import log_symptoms
from pmt_helpers.teaching.exercises.base import Answer, Exercise, Hints, Mistake
from pmt_helpers.teaching.exercises.log_symptoms import Lines, is_whole


def parse_log(lines: Lines, origin: str) -> float:
    """CPU seconds of all spans of phase "train". lines: one JSON record each, the header first.

    A last line that is no whole record is left out. Raises ValueError for another such line, with its number from one
    on, and for a log of another origin.
    """
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(json.loads(line))
        except ValueError:
            if number < len(lines):
                raise ValueError(f"line {number} is no whole record") from None
    if records[0]["origin"] != origin:
        raise ValueError(f"this log is {records[0]['origin']}, not {origin}")
    return _seconds(records)


def _seconds(records: list[dict]) -> float:
    return float(sum(record["cpu_s"] for record in records if record.get("phase") == "train"))


def _sum_of(count: Callable[[list[dict]], float]) -> Answer:
    """As asked, but another number of the whole records."""

    def answer(lines: Lines, origin: str) -> float:
        parse_log(lines, origin)
        return count([json.loads(line) for line in lines if is_whole(line)])

    return answer


def _all_spans(records: list[dict]) -> float:
    return float(sum(record["cpu_s"] for record in records if record["ev"] == "span"))


def _all_work(records: list[dict]) -> float:
    return float(sum(record["cpu_s"] for record in records if record.get("phase") in ("train", "inference")))


def _wall(records: list[dict]) -> float:
    return float(sum(record["wall_s"] for record in records if record.get("phase") == "train"))


def _last_only(records: list[dict]) -> float:
    return float([0.0, *(record["cpu_s"] for record in records if record.get("phase") == "train")][-1])


def _how_many(records: list[dict]) -> float:
    return float(sum(record.get("phase") == "train" for record in records))


def _dies_at_the_cut(lines: Lines, origin: str) -> float:
    if not is_whole(lines[-1]):
        raise ValueError(f"line {len(lines)} is no whole record")
    return parse_log(lines, origin)


def _never_the_last(lines: Lines, origin: str) -> float:
    return parse_log(lines[:-1], origin)


def _stops_at_damage(lines: Lines, origin: str) -> float:
    whole = [is_whole(line) for line in lines]
    return parse_log(lines[: whole.index(False)] if not all(whole) else lines, origin)


def _skips_damage(lines: Lines, origin: str) -> float:
    return parse_log([line for line in lines if is_whole(line)], origin)


def _raising(error: Callable[[int], Exception]) -> Answer:
    """As asked, but damage raises another error; it gets the line's number."""

    def answer(lines: Lines, origin: str) -> float:
        for number, line in enumerate(lines[:-1], start=1):
            if not is_whole(line):
                raise error(number)
        return parse_log(lines, origin)

    return answer


def _any_origin(lines: Lines, origin: str) -> float:
    return parse_log(lines, json.loads(lines[0])["origin"])


def _other_sum(lines: Lines, origin: str) -> float:
    return parse_log(lines, origin) + 1000


_SWALLOWED = (
    "a damaged line in the middle is passed over, and the sum is of what is left: nobody will ever know that it is too "
    "small. Only the last line can be the work of a power cut; for any other raise ValueError."
)

PARSE_RECORD = Exercise(
    id="parse-record",
    notebook="05",
    title="Read a log",
    signature="parse_log(lines, origin)",
    right="your sums agree with ours, also where the power failed, and what cannot be trusted is refused with its "
    "line. A log that is read generously measures nothing.",
    hints=Hints(
        nudge="Two lines look alike: one cut short by a power failure, and one damaged on the card. Where can each of "
        "them stand?",
        sketch="Number the lines from one on. Try json.loads on each; where it fails, leave the line out if it is the "
        "last, else raise ValueError with the number in its text. Raise it also when the first record's origin is not "
        "the one asked for. Then add up cpu_s of the records whose phase is train; headers and samples have no phase.",
        pointer="read_log in pmt_helpers/device/logs.py reads all of it, records.py looks at each field.",
    ),
    cases=log_symptoms.CASES,
    reference=parse_log,
    judged_by_symptoms=True,
    mistakes=(
        Mistake(
            "set-up too",
            "this adds up every span. Imports and loading happen once, however long one trains: take the spans whose "
            "phase is train.",
            _sum_of(_all_spans),
            log_symptoms.counts(_sum_of(_all_spans)),
        ),
        Mistake(
            "inference too",
            "this leaves out setting up, but counts predictions as training. Take the spans whose phase is train.",
            _sum_of(_all_work),
            log_symptoms.counts(_sum_of(_all_work)),
        ),
        Mistake(
            "wall time",
            "this is wall time, in which other programs had their turns. cpu_s has what the training itself used.",
            _sum_of(_wall),
            log_symptoms.counts(_sum_of(_wall)),
        ),
        Mistake(
            "last span only",
            "this is one span. Each epoch has its own: add them up.",
            _sum_of(_last_only),
            log_symptoms.counts(_sum_of(_last_only)),
        ),
        Mistake(
            "spans counted",
            "this is how many spans there are. Add up their seconds.",
            _sum_of(_how_many),
            log_symptoms.counts(_sum_of(_how_many)),
        ),
        Mistake(
            "last line always left out",
            "the last line is left out even where it is whole. A recorder that was stopped has written a good one: "
            "leave it out only when it is no record.",
            _never_the_last,
            log_symptoms.counts(_never_the_last),
        ),
        Mistake(
            "other sum",
            "this is not the sum of cpu_s over the spans whose phase is train.",
            _other_sum,
            log_symptoms.other_sum,
        ),
        Mistake(
            "dies at the cut",
            "your function stops at the last line, which a power cut left half written. All lines before it are good: "
            "leave that one out.",
            _dies_at_the_cut,
            log_symptoms.dies_at_the_cut,
        ),
        Mistake(
            "cut miscounted",
            "with a last line that was cut off, the sum is wrong. The whole lines before it still count.",
            lambda lines, origin: parse_log(lines, origin) * is_whole(lines[-1]),
            log_symptoms.cut_miscounted,
        ),
        Mistake(
            "stops at damage",
            "at a damaged line in the middle this stops reading and returns what it has, as if the log ended there. "
            "Raise ValueError, with the line's number: only the last line can be the work of a power cut.",
            _stops_at_damage,
            log_symptoms.on_damage(_stops_at_damage),
        ),
        Mistake("swallows damage", _SWALLOWED, _skips_damage, log_symptoms.damage_returned),
        Mistake(
            "other error",
            "what cannot be trusted is refused, but not with ValueError, which is what a caller will look for.",
            _raising(lambda number: KeyError(f"line {number}")),
            log_symptoms.other_error,
        ),
        Mistake(
            "counted from zero",
            "the line is named, but counted from zero. An editor counts from one.",
            _raising(lambda number: ValueError(f"line {number - 1} is no whole record")),
            log_symptoms.counted_from_zero,
        ),
        Mistake(
            "no number",
            "the error does not say which line is damaged. json tells the place within the line; put the line's own "
            "number in the text.",
            _raising(lambda number: ValueError("a line is no whole record")),
            log_symptoms.no_number,
        ),
        Mistake(
            "any origin",
            "a log of another origin is read as if it were of this one. Look at the header, and raise ValueError.",
            _any_origin,
            log_symptoms.any_origin,
        ),
    ),
)
