"""How to tell what is wrong with a reader of logs (exercise `parse-record`, notebook 05).

Half of what it does is to refuse: so it is given made-up logs that are whole, cut off, damaged, and of another origin.
"""

import json
import re
from collections.abc import Callable, Sequence

import numpy as np

from pmt_helpers.teaching.exercises.base import Answer

Lines = Sequence[str]


def is_whole(line: str) -> bool:
    """Whether a line is a record."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def seconds_of(lines: Lines) -> float:
    """CPU seconds of the trainings in the whole lines."""
    records = [json.loads(line) for line in lines if is_whole(line)]
    return float(sum(record["cpu_s"] for record in records if record.get("phase") == "train"))


def _log(seed: int, trained: int, end: bool = True) -> list[str]:
    """A log as text: header, set-up, epochs with a sample between them, predictions, and the end."""
    rng = np.random.default_rng(seed)

    def span(phase: str, **more: float) -> dict:
        cpu = rng.integers(2, 40) / 4
        return {"ev": "span", "phase": phase, "wall_s": cpu + rng.integers(1, 9) / 4, "cpu_s": cpu, **more}

    records: list[dict] = [{"ev": "header", "schema": "pi-profile/1", "origin": "measured-pi", "run_id": f"r{seed}"}]
    records += [span("import"), span("load")]
    for epoch in range(1, trained + 1):
        records += [span("train", epoch=epoch, updates=40)]
        if epoch == 1:
            records.append({"ev": "sample", "t_s": 20.25, "temp_c": 50.5})
    if end:
        records += [span("inference", updates=200), {"ev": "end", "t_s": 300.0}]
    return [json.dumps(record) for record in records]


WHOLE, _STOPPED = _log(1, 3), _log(2, 4, end=False)
CASES = {"a whole log": (WHOLE, "measured-pi"), "stopped before its end": (_STOPPED, "measured-pi")}
_CUT = [*WHOLE[:-2], WHOLE[-2][:31]]
# In the middle, with its number from one on: a line whose end is missing.
_DAMAGED = {7: [*WHOLE[:6], WHOLE[6][:25], *WHOLE[7:]], 4: [*_STOPPED[:3], _STOPPED[3][:28], *_STOPPED[4:]]}


def _outcome(answer: Answer, lines: Lines, origin: str = "measured-pi") -> float | Exception:
    try:
        return float(answer(list(lines), origin))
    except Exception as error:
        return error


def _close(found: float | Exception, wanted: float | Exception) -> bool:
    return not isinstance(found, Exception) and not isinstance(wanted, Exception) and bool(np.isclose(found, wanted))


def counts(imitation: Answer) -> Callable[[Answer], bool]:
    """Whether an answer returns what `imitation` does on the logs that nothing is wrong with."""
    return lambda answer: all(
        _close(_outcome(answer, lines), _outcome(imitation, lines)) for lines, _ in CASES.values()
    )


def on_damage(imitation: Answer) -> Callable[[Answer], bool]:
    """Whether it goes on where it should refuse, with the number that `imitation` has there."""
    return lambda answer: all(
        _close(_outcome(answer, lines), _outcome(imitation, lines)) for lines in _DAMAGED.values()
    )


def other_sum(answer: Answer) -> bool:
    return not all(_close(_outcome(answer, lines), seconds_of(lines)) for lines, _ in CASES.values())


def dies_at_the_cut(answer: Answer) -> bool:
    return isinstance(_outcome(answer, _CUT), Exception)


def cut_miscounted(answer: Answer) -> bool:
    return not _close(_outcome(answer, _CUT), seconds_of(_CUT))


def damage_returned(answer: Answer) -> bool:
    return any(not isinstance(_outcome(answer, lines), Exception) for lines in _DAMAGED.values())


def other_error(answer: Answer) -> bool:
    refused = [_outcome(answer, lines) for lines in _DAMAGED.values()] + [_outcome(answer, WHOLE, "measured-host")]
    return any(isinstance(error, Exception) and not isinstance(error, ValueError) for error in refused)


def _numbers(answer: Answer, shift: int) -> bool:
    """Whether each refusal has the line's number, plus shift, in its text."""
    texts = {number: str(_outcome(answer, lines)) for number, lines in _DAMAGED.items()}
    return all(re.search(rf"(?<!\d){number + shift}(?!\d)", text) for number, text in texts.items())


def counted_from_zero(answer: Answer) -> bool:
    return _numbers(answer, -1) and not _numbers(answer, 0)


def no_number(answer: Answer) -> bool:
    return not _numbers(answer, 0)


def any_origin(answer: Answer) -> bool:
    return not isinstance(_outcome(answer, WHOLE, "measured-host"), Exception)
