"""How to tell what is wrong with a reader of logs (exercise `parse-record`, notebook 05).

Half of what it does is to refuse: so it is given made-up logs that are whole, cut off, damaged, and of another origin.
"""

import json
import re
from collections.abc import Callable, Sequence

import numpy as np

from pmt_helpers.teaching.exercises.base import Answer

Lines = Sequence[str]
Records = list[dict]


def seconds(records: Records, *phases: str, field: str = "cpu_s") -> list[float]:
    """Seconds of each span in one of these phases; of training, unless phases are given."""
    return [record[field] for record in records if record.get("phase") in (phases or ("train",))]


def _log(seed: int, trained: int, end: bool = True) -> list[str]:
    """A log as text: header, set-up, epochs with a sample between them, predictions, and the end."""
    rng = np.random.default_rng(seed)

    def span(phase: str, **more: float) -> dict:
        cpu = rng.integers(2, 40) / 4
        return {"ev": "span", "phase": phase, "wall_s": cpu + rng.integers(1, 9) / 4, "cpu_s": cpu, **more}

    records: Records = [{"ev": "header", "schema": "pi-profile/1", "origin": "measured-pi", "run_id": f"r{seed}"}]
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


def _finds(answer: Answer, lines: Lines, expected: float) -> bool:
    found = _outcome(answer, lines)
    return not isinstance(found, Exception) and bool(np.isclose(found, expected))


def _records(lines: Lines) -> Records:
    return [json.loads(line) for line in lines]


def returns(total: Callable[[Records], float]) -> Callable[[Answer], bool]:
    """Whether an answer returns this total of the records, for the logs that nothing is wrong with."""
    return lambda answer: all(_finds(answer, lines, total(_records(lines))) for lines, _ in CASES.values())


def other_sum(answer: Answer) -> bool:
    return not returns(lambda records: sum(seconds(records)))(answer)


def dies_at_the_cut(answer: Answer) -> bool:
    return isinstance(_outcome(answer, _CUT), Exception)


def cut_miscounted(answer: Answer) -> bool:
    return not _finds(answer, _CUT, sum(seconds(_records(_CUT[:-1]))))


def stops_at_damage(answer: Answer) -> bool:
    """Whether it returns the sum of what stands before the damaged line."""
    return all(_finds(answer, lines, sum(seconds(_records(lines[: number - 1])))) for number, lines in _DAMAGED.items())


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
