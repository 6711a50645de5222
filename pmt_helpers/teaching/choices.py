"""A list of choices to press, one below the other.

Not radio buttons: JupyterLab takes the arrow keys for itself, so that with the keyboard only the first could be chosen.
Buttons are reached with Tab and pressed with Enter or Space.
"""

from collections.abc import Callable, Sequence
from typing import Any

_STYLE = (
    "<style>.jupyter-button.pmt-choice {width: auto; max-width: 46em; height: auto; padding: 0.2em 0.7em;"
    " line-height: 1.4; text-align: left; white-space: normal}</style>"
)


def choice_buttons(options: Sequence[str], chosen: str | None, choose: Callable[[str], None]) -> Any:
    """A box of buttons; the pressed one is marked, and `choose` is called with its text."""
    import ipywidgets

    buttons = [ipywidgets.Button() for _ in options]

    def mark(current: str | None) -> None:
        for button, option in zip(buttons, options, strict=True):
            button.description = f"{'●' if option == current else '○'} {option}"

    def press(option: str) -> None:
        mark(option)
        choose(option)

    for button, option in zip(buttons, options, strict=True):
        button.add_class("pmt-choice")
        button.on_click(lambda _, option=option: press(option))
    mark(chosen)
    return ipywidgets.VBox([ipywidgets.HTML(_STYLE), *buttons])
