"""The browser tests need minutes and Chromium: they run when PMT_BROWSER=1, which .ci/run sets."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.jupyter import CHROMIUM_FLAGS, Notebook, jupyterlab

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if os.environ.get("PMT_BROWSER") != "1":
                item.add_marker(pytest.mark.skip(reason="set PMT_BROWSER=1 to run the tests in a real browser"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    assert CHROMIUM, "PMT_BROWSER=1 needs Chromium or Chrome: on Debian, apt install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_notebook(chromium: Browser, tmp_path: Path) -> Iterator[Callable[[Path], Notebook]]:
    """Opens a copy of a notebook and of the files beside it in a JupyterLab of this test's own."""
    closing = []

    def opened(notebook: Path) -> Notebook:
        folder = tmp_path / "notebooks"
        others = shutil.ignore_patterns(".ipynb_checkpoints", "source", "my_recordings")
        shutil.copytree(notebook.parent, folder, ignore=others)
        server = jupyterlab(folder, tmp_path / "scratch")
        address = server.__enter__()
        closing.append(lambda: server.__exit__(None, None, None))
        context = chromium.new_context(viewport={"width": 1400, "height": 900})
        closing.append(context.close)
        return Notebook(context, address, notebook.name)

    yield opened
    for close in reversed(closing):
        close()


@pytest.fixture
def opened(tmp_path: Path, open_notebook: Callable[[Path], Notebook]) -> Callable[..., Notebook]:
    """Opens a notebook made of these cells."""

    def made_and_opened(*cells: str) -> Notebook:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = tmp_path / "made" / "made.ipynb"
        path.parent.mkdir()
        nbformat.write(notebook, path)
        return open_notebook(path)

    return made_and_opened
