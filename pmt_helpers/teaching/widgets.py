"""Sliders over stored results, and the menu to choose who you are. Nothing is trained inside a callback."""

import json
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from pmt_helpers.teaching.display import Shown, frames_html
from pmt_helpers.teaching.workbook_file import current_workbook, my_person

if TYPE_CHECKING:
    import pandas as pd

    from pmt_helpers.teaching.figures import Figure

STORED_SAMPLES = 15  # on a page without a kernel: as many as notebook 00 trains on
_STYLE = (
    "<style>.jupyter-button.pmt-choice {width: auto; max-width: 46em; height: auto; padding: 0.2em 0.7em;"
    " line-height: 1.4; text-align: left; white-space: normal}</style>"
)


# The slider writes its own value after each key, also one that changes nothing: it is written over again.
_SPEAK = """setTimeout(() => document.querySelectorAll(%s).forEach(handle => {
    handle.setAttribute("aria-label", %s);
    handle.pmtSaid = %s;
    const say = () => {
        if (handle.getAttribute("aria-valuetext") !== handle.pmtSaid)
            handle.setAttribute("aria-valuetext", handle.pmtSaid);
    };
    say();
    handle.pmtWatch ??= new MutationObserver(say);
    handle.pmtWatch.observe(handle, {attributeFilter: ["aria-valuetext"]});
}), 200);"""


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


def spoken(slider: Any, name: str) -> Any:
    """A hidden output that tells a screen reader the slider's name and its value as it is written beside it.

    ipywidgets gives a slider's handle no name, and as its value the number of an option.
    """
    import ipywidgets

    output = ipywidgets.Output(layout={"display": "none"})
    slider.add_class(f"pmt-{slider.model_id}")

    def speak(_: Any = None) -> None:
        if isinstance(slider, ipywidgets.SelectionSlider):
            value = slider.label
        else:  # the minus is the one that the slider writes, and so is what stands between two values
            numbers = slider.value if isinstance(slider.value, tuple) else [slider.value]
            value = " – ".join(format(number, slider.readout_format).replace("-", "−") for number in numbers)
        code = _SPEAK % tuple(map(json.dumps, (f".pmt-{slider.model_id} [role=slider]", name, value)))
        data = {"application/javascript": code, "text/plain": f"{name}: {value}"}
        output.outputs = ({"output_type": "display_data", "data": data, "metadata": {}},)

    slider.observe(speak, names="value")
    speak()
    return output


def explore(
    frame: "pd.DataFrame",
    by: str,
    draw: Callable[["pd.DataFrame"], "Figure"],
    description: str,
    start: Any = None,
    label: Callable[[Any], str] = str,
) -> Shown:
    """A slider over the values of one column, and the figure of the rows with the value chosen.

    The slider moves with the arrow keys, and the figure follows when it stops.

    Parameters
    ----------
    frame, by : the rows, and the column whose values the slider has
    draw : makes the figure of the rows with one value
    description : of the slider
    start : the value shown first (default: the lowest)
    label : how a value is written
    """
    import ipywidgets

    from pmt_helpers.teaching.figures.style import PLOTLY

    values = sorted(frame[by].unique().tolist())
    if not values:
        raise ValueError(f"explore needs at least one row to show; the frame has none (column {by!r})")
    if start is not None and start not in values:
        raise ValueError(f"explore cannot start at {start!r}: column {by!r} holds {values}")
    slider = ipywidgets.SelectionSlider(
        options=[(label(value), value) for value in values],
        value=values[0] if start is None else start,
        description=description,
        continuous_update=False,
        style={"description_width": "initial"},
        layout={"width": "90%", "max_width": "500px"},
    )
    output = ipywidgets.Output()

    def show(value: Any) -> None:
        output.outputs = draw(frame[frame[by] == value]).outputs()

    def page() -> str:
        frames = []
        for value in values:
            data = draw(frame[frame[by] == value]).bundle()
            frames.append({"figure": data[PLOTLY], "sentence": data["text/plain"], "label": label(value)})
        first = values.index(slider.value)
        return frames_html(
            frames,
            f'<label>{escape(description)} <input type="range" min="0" max="{len(values) - 1}" value="{first}"></label>'
            f" <output>{escape(label(slider.value))}</output>"
            f'<p aria-live="polite">{escape(frames[first]["sentence"])}</p>',
        )

    slider.observe(lambda change: show(change["new"]), names="value")
    show(slider.value)
    return Shown(
        ipywidgets.VBox([slider, output, spoken(slider, description)]),
        f"A slider ({description}: {label(values[0])} to {label(values[-1])}) and the figure it changes appear here "
        "when the cell is run.",
        page,
    )


def choose_person(dataset: str, default: int) -> Shown:
    """A menu of the people of a dataset, with how many windows each has of every class; the choice is kept.

    A page without a kernel has a slider in its place: what the three models reach for each person, by stored results.
    """
    import ipywidgets

    from pmt_helpers.datasets import load_activity
    from pmt_helpers.datasets.mine import NAME, YOU

    data = load_activity(dataset)
    chosen = my_person(dataset, default=default)
    people = [YOU] if dataset == NAME else [int(user) for user in data.user_ids]
    menu = ipywidgets.Dropdown(
        options=[(str(user), user) for user in people],  # typing a number chooses it: JupyterLab takes the arrow keys
        value=chosen if chosen in people else people[0],
        description="I am person",
        layout={"width": "200px"},
    )
    about = ipywidgets.HTML()

    def describe(user: int) -> None:
        labels = data.y[data.users == user]
        counts = [f"{(labels == number).sum()} {name}" for number, name in enumerate(data.class_names)]
        about.value = f'<p style="line-height: 1.4">Person {user} has {len(labels)} windows: {", ".join(counts)}.</p>'

    def keep(change: dict[str, Any]) -> None:
        current_workbook().put("person", dataset, change["new"])
        describe(change["new"])

    menu.observe(keep, names="value")
    describe(menu.value)
    sentence = (
        "A menu appears here when the cell is run: choose which person of the data is you, and run the cells below."
    )

    def page() -> str:
        from pmt_helpers.experiments import stored_curve
        from pmt_helpers.teaching.figures import three_models

        curve = stored_curve(dataset)
        rows = curve[curve["n_samples"] == STORED_SAMPLES].groupby(["user", "model"])["accuracy"].mean().reset_index()
        first = menu.value if menu.value in set(rows["user"]) else None  # who has too few windows has no curve
        slider = explore(rows, "user", lambda of: three_models(of, int(of["user"].iloc[0])), "person", first)
        assert slider.page
        return f"<p>Each person, with {STORED_SAMPLES} windows to train on at home (stored results):</p>{slider.page()}"

    return Shown(ipywidgets.VBox([menu, about]), sentence, page)
