"""A recording is uploaded, labelled with mouse and keyboard, and there is a model of it; labels outlive the kernel."""

from collections.abc import Callable
from pathlib import Path

from pmt_helpers.datasets import load_recordings, mine
from tests.browser.jupyter import FIGURE_DATA, Notebook

LABEL = "from pmt_helpers.teaching import label_recording, own_or_played\nlabel_recording()"
TRAIN = """from pmt_helpers.activity import Person, personalise, train_shared
own = own_or_played(5)
you = Person.of(own, 0)
shared = train_shared(own, exclude_user=0)
personal = personalise(shared, *you.train(20), validation=you.validation(20))
you.compare(shared=shared, personal=personal)"""


def test_from_an_uploaded_file_to_a_personal_model(opened: Callable[..., Notebook], tmp_path: Path) -> None:
    recordings = [r for r in load_recordings("watch") if r.user == 5]
    mine.write_as_phone(recordings, tmp_path / "upload" / "arms.csv", 52.0)  # small enough to be uploaded
    stretches = mine.read_labels(tmp_path / "upload" / "arms.csv")
    notebook = opened(LABEL, TRAIN)
    page, kept = notebook.page, tmp_path / "notebooks" / "my_recordings" / "arms.csv"
    notebook.run_all()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload a recording").click()
    chooser.value.set_files(str(tmp_path / "upload" / "arms.csv"))
    page.wait_for_selector(".js-plotly-plot")
    for slider in notebook.sliders():
        figure, value = notebook.figure_data(), slider.text
        slider.move()
        page.wait_for_function(f"before => ({FIGURE_DATA})() !== before", arg=figure)  # what is chosen is drawn
        slider.settle()
        assert (slider.name, slider.text) == ("stretch", slider.readout)
        assert slider.text != value
    start, end = page.locator(".jp-OutputArea input[type=number]").all()
    menu = page.get_by_label("activity")
    for number, stretch in enumerate(stretches, 1):
        for box, seconds in ((end, stretch.to_s), (start, stretch.from_s)):
            box.fill(f"{seconds:.1f}")
            box.press("Tab")
        [label] = [text for text in menu.locator("option").all_inner_texts() if text.startswith(f"{stretch.label}:")]
        menu.select_option(label=label)
        page.wait_for_timeout(500)
        page.get_by_role("button", name="Add this stretch").press("Enter")
        page.wait_for_function("n => document.querySelectorAll('.pmt-choice').length === n", arg=number)
    assert [stretch.label for stretch in mine.read_labels(kept)] == [stretch.label for stretch in stretches]

    page.locator(".jp-Cell").first.locator(".jp-InputPrompt").click()
    page.keyboard.press("0")
    page.keyboard.press("0")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    page.wait_for_timeout(3000)
    notebook.run_all()
    page.wait_for_selector(".pmt-choice")
    assert page.locator(".pmt-choice").count() == len(stretches), "the labels are there again"
    assert "Person 0 is you." in page.locator(".jp-Notebook").inner_text()
    assert notebook.problems() == []
    notebook.theme("JupyterLab Dark")
    assert notebook.faint() == []
    notebook.screenshot(tmp_path / "narrow.png", 480)
    assert notebook.problems() == []
    assert notebook.outside == []
