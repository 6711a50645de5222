"""Three hints that open one after the other."""

from html import escape

from pmt_helpers.teaching.exercises import Hints

_TITLES = ("Hint 1 of 3: a nudge", "Hint 2 of 3: a sketch", "Hint 3 of 3: where to find it")


def nested_hints(hints: Hints) -> str:
    """The hints as HTML: the second opens inside of the first, the third inside of the second. No script needed."""
    html = ""
    for title, text in reversed(list(zip(_TITLES, (hints.nudge, hints.sketch, hints.pointer), strict=True))):
        html = f"<details><summary>{title}</summary><p>{escape(text)}</p>{html}</details>"
    return html
