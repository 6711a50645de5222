"""Exercise `throttle-bits` (notebook 05): what a Pi says about its power supply and its heat, in one number."""

from collections.abc import Sequence

import numpy as np

from pmt_helpers.teaching.exercises.base import Answer, Exercise, Hints, Mistake

Pair = tuple[list[bool], list[bool]]

TROUBLES = ("under-voltage", "frequency capped", "throttled", "soft temperature limit")


def throttled(value: int) -> Pair:
    """Which of the four troubles there are now, and which there were since the board started: four truths each.

    Bits 0 to 3 are about now, 16 to 19 about the time since the start, in the order of TROUBLES.
    """
    return _bits(value, range(4)), _bits(value, range(16, 20))


def _bits(value: int, places: Sequence[int]) -> list[bool]:
    return [bool(value >> place & 1) for place in places]


def _at(now: Sequence[int], since: Sequence[int]) -> Answer:
    return lambda value: (_bits(value, now), _bits(value, since))


def _masks_kept(value: int) -> tuple[list[int], list[int]]:
    return [value & 1 << place for place in range(4)], [value & 1 << place for place in range(16, 20)]


def _read_as_hex(value: int) -> Pair:
    return throttled(int(str(value), 16))


def _digits(value: int) -> Pair:
    """Bits of the written hexadecimal number's first and last digit, whatever its length."""
    written = f"{value:x}"
    return throttled(int(written[-1], 16) | int(written[0], 16) << 16)


def _now_included(value: int) -> Pair:
    now, since = throttled(value)
    return now, [one or another for one, another in zip(now, since, strict=True)]


def _earlier_only(value: int) -> Pair:
    now, since = throttled(value)
    return now, [was and not still for still, was in zip(now, since, strict=True)]


def _any_of(value: int) -> Pair:
    now, since = throttled(value)
    return [any(now)] * 4, [any(since)] * 4


def _unpadded(value: int) -> Pair:
    """From the left of the written binary number, without zeros in front."""
    written = [digit == "1" for digit in f"{value:b}".ljust(20, "0")]
    return written[:4], written[16:20]


def _cases() -> dict[str, tuple[int]]:
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


_ONE_OFF = (
    "the bits are off by one. They are counted from zero: the lowest, whose value is one, is bit 0, and 1 << n has "
    "only bit n."
)

THROTTLE_BITS = Exercise(
    id="throttle-bits",
    notebook="05",
    title="Is my Pi unwell?",
    signature="throttled(value)",
    right="your truths agree with ours. A log with one of these bits set has measured its power supply or its heat, "
    "not your code.",
    hints=Hints(
        nudge="Which number has only bit 2 set? What is left of a value when you keep no more than the bits of that "
        "one?",
        sketch="value >> n moves bit n to the lowest place, and & 1 keeps that one alone: a truth. Do that for n from "
        "0 to 3, which is now, and for n from 16 to 19, which is since the start, and return the two lists.",
        pointer="pmt_helpers/device/pi_profile.py reads the number on a Pi; samples in a log keep it as throttled.",
    ),
    cases=_cases(),
    reference=throttled,
    mistakes=(
        Mistake(
            "halves mixed up",
            "now and since the start have changed places. The low bits are about now.",
            _at(range(16, 20), range(4)),
        ),
        Mistake(
            "now twice",
            "both lists are about now. What was once since the start stands sixteen bits higher.",
            _at(range(4), range(4)),
        ),
        Mistake(
            "next four",
            "the second list looks at bits 4 to 7, right behind the first four. What was once stands at bits 16 to 19.",
            _at(range(4), range(4, 8)),
        ),
        Mistake("one too high", _ONE_OFF, _at(range(1, 5), range(17, 21))),
        Mistake("high half one too low", _ONE_OFF, _at(range(4), range(15, 19))),
        Mistake("high half one too high", _ONE_OFF, _at(range(4), range(17, 21))),
        Mistake(
            "order turned round",
            "the order is turned round: under-voltage comes first, and it is the lowest bit. Written as digits, the "
            "lowest stands at the right.",
            _at(range(3, -1, -1), range(19, 15, -1)),
        ),
        Mistake(
            "from the left",
            "this counts digits from the left, and the number is written without zeros in front: so the places move "
            "with its size. Bits are counted from the lowest.",
            _unpadded,
        ),
        Mistake(
            "masks kept",
            "these are the bits' values (1, 2, 4 and so on), not truths: turn each into one, or shift before you mask.",
            _masks_kept,
        ),
        Mistake(
            "read as hexadecimal",
            "the value is a number already. A board writes it as hexadecimal digits, and to read those again from "
            "decimal ones gives another number.",
            _read_as_hex,
        ),
        Mistake(
            "first and last digit",
            "this takes the first and the last hexadecimal digit. The first is about the time since the start only "
            "when there are five: a small value has no such digit.",
            _digits,
        ),
        Mistake(
            "now added to since",
            "the second list takes in what is now. The board keeps its own account: report bits 16 to 19 as they are.",
            _now_included,
        ),
        Mistake(
            "now taken off since",
            "the second list leaves out what is also now. The board keeps its own account: report bits 16 to 19 as "
            "they are.",
            _earlier_only,
        ),
        Mistake(
            "all alike",
            "all four of a list are alike: this asks whether any of them is set. Look at each bit by itself.",
            _any_of,
        ),
    ),
)
