"""A JupyterLab server of one test's own, and a notebook opened in it by a real browser."""

import contextlib
import io
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, Route, TimeoutError, WebSocketRoute

SCREENSHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"

OVERRIDES = {
    # Every cell is in the page, not only those in sight, so that every output can be looked at.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none", "scrollPastEnd": False},
}
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextlib.contextmanager
def jupyterlab(folder: Path, scratch: Path) -> Iterator[str]:
    """Serves `folder`; yields the address with its token as `http://127.0.0.1:PORT/lab?token=...`, split in two."""
    settings = scratch / "settings"
    settings.mkdir(parents=True)
    (settings / "overrides.json").write_text(json.dumps(OVERRIDES))
    token, port = secrets.token_hex(16), free_port()
    own = {name: str(scratch / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")}
    environment = {**os.environ, **own, "PMT_WORKBOOK_FILE": str(scratch / "answers.json")}
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1"]
    command += [f"--ServerApp.root_dir={folder}", f"--IdentityProvider.token={token}"]
    command += [f"--LabApp.app_settings_dir={settings}", f"--LabApp.user_settings_dir={scratch / 'user'}"]
    command += [f"--LabApp.workspaces_dir={scratch / 'workspaces'}"]
    with (scratch / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        wait_for_server(f"http://127.0.0.1:{port}/api", server, scratch / "server.log")
        yield f"http://127.0.0.1:{port}/{{path}}?token={token}"
    finally:
        server.terminate()
        server.wait(timeout=30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_server(address: str, server: subprocess.Popen, log: Path, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        assert server.poll() is None, f"JupyterLab stopped at its start:\n{log.read_text()}"
        time.sleep(0.3)
    raise AssertionError(f"JupyterLab did not answer within {seconds} s:\n{log.read_text()}")


class Notebook:
    """One notebook in one browser tab. What left the machine, or tried to, is in `.outside`."""

    def __init__(self, context: BrowserContext, address: str, name: str) -> None:
        self.outside: list[str] = []
        self.server = urlsplit(address).netloc
        context.route("**/*", self._pass_or_block)
        context.route_web_socket(re.compile(".*"), self._pass_or_block_socket)
        self.page: Page = context.new_page()
        self.page.set_default_timeout(60_000)
        self.page.goto(address.format(path=f"doc/tree/{name}"))
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")
        self.wait_until_idle()
        self.page.wait_for_timeout(2000)  # what is stored is drawn

    def _pass_or_block(self, route: Route) -> None:
        if self._is_inside(route.request.url):
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()

    def _pass_or_block_socket(self, route: WebSocketRoute) -> None:
        if self._is_inside(route.url):
            route.connect_to_server()
        else:
            self.outside.append(route.url)

    def _is_inside(self, url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme in ("data", "blob", "about") or parts.netloc == self.server

    def wait_until_idle(self) -> None:
        """Until the kernel is there and has nothing to do: only the status bar tells a missing one from an idle one."""
        idle = "() => /\\| Idle/.test(document.querySelector('#jp-main-statusbar')?.textContent ?? '')"
        self.page.wait_for_function(idle)

    def menu(self, name: str, entry: str) -> None:
        self.page.get_by_role("menuitem", name=name, exact=True).click()
        self.page.get_by_role("menuitem", name=entry, exact=True).click()

    def run_all(self, seconds: float = 300) -> None:
        """Clears what is stored, runs every cell as a person would, and waits until each has its number."""
        self.menu("Edit", "Clear Outputs of All Cells")
        self.page.wait_for_function(f"() => ({PROMPTS})().every(text => !/\\d/.test(text))")
        self.menu("Run", "Run All Cells")
        self.page.wait_for_function(f"() => ({PROMPTS})().some(text => /[*\\d]/.test(text))")
        try:
            self.page.wait_for_function(
                f"() => !({PROMPTS})().some(text => text.includes('*'))", timeout=seconds * 1000
            )
        except TimeoutError:
            raise AssertionError(f"not every cell ended within {seconds} s; {self.stuck()}") from None
        self.wait_until_idle()
        self.page.wait_for_timeout(1000)  # the last figure is drawn after its cell has ended
        numbered = all(any(map(str.isdigit, prompt)) for prompt in self.page.evaluate(PROMPTS))
        assert numbered or self.problems(), f"a cell ended the run without saying why; {self.stuck()}"

    def stuck(self) -> str:
        """Where a run stands, for the message of a failed test."""
        self.screenshot(SCREENSHOTS / "stuck.png", 1400)
        return f"prompts {self.page.evaluate(PROMPTS)}, see {SCREENSHOTS.parent.name}/screenshots/stuck.png"

    def problems(self) -> list[str]:
        """What a learner would see gone wrong: errors, warnings, dead widgets, blank figures."""
        return self.page.evaluate(PROBLEMS.replace("FIGURES", f"({FIGURES})"))

    def figures(self) -> list[dict]:
        """Cell, width, height, right edge and number of traces of each Plotly figure."""
        return self.page.evaluate(FIGURES)

    def figure_data(self) -> str:
        """All that the figures show now, as text: equal texts, equal figures."""
        return self.page.evaluate(FIGURE_DATA)

    def sliders(self) -> list["Slider"]:
        """Every slider that a cell shows, from top to bottom; not those of a box that is hidden, and takes no place."""
        shown = "node => node.getClientRects().length > 0"
        return [Slider(handle) for handle in self.page.locator(SLIDERS).all() if handle.evaluate(shown)]

    def theme(self, name: str) -> None:
        """Chooses JupyterLab's own theme of this name, such as "JupyterLab Dark"."""
        self.page.get_by_role("menuitem", name="Settings", exact=True).click()
        for entry in ("Theme", name):
            self.page.locator(".lm-Menu-itemLabel").get_by_text(entry, exact=True).click()
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)
        self.page.wait_for_timeout(500)

    def faint(self) -> list[str]:
        """Every text in an output that is hard to tell from what is behind it: its cell, contrast and what it needs.

        Opens all hints, and the window until the largest output fits: JupyterLab's bars would be on its picture.
        Needed are WCAG's 4.5 for text, and 3 for large text, for a sign, and for a label of at most three words in a
        figure. What is behind a text is looked at, pixel by pixel, on a picture of the output without its texts; a
        quarter of these pixels may be worse, such as a line that crosses the text.
        """
        style = self.page.add_style_tag(content=WITHOUT_TEXTS)
        window, tallest = self.page.viewport_size, self.page.evaluate(OPEN_HINTS)
        assert window
        self.page.set_viewport_size({"width": window["width"], "height": int(tallest) + 300})
        self.page.wait_for_timeout(1000)  # figures redraw themselves
        found = []
        for output in self.page.locator(".jp-Notebook .jp-OutputArea-output").all():
            texts = output.evaluate(TEXTS)
            if not texts:
                continue
            picture = np.asarray(Image.open(io.BytesIO(output.screenshot())).convert("RGB"), dtype=float)
            for text in texts:
                left, top, right, bottom = (max(0, round(edge)) for edge in text["box"])
                behind = picture[top:bottom, left:right].reshape(-1, 3)
                contrast = float(np.quantile(contrasts(text["colour"], behind), 0.25)) if len(behind) else 0.0
                if contrast < text["needs"]:
                    found.append(f"cell {text['cell']}: {contrast:.2f} < {text['needs']}: {text['text'][:80]!r}")
        style.evaluate("node => node.remove()")
        self.page.set_viewport_size(window)
        return list(dict.fromkeys(found))

    def screenshot(self, path: Path, width: int) -> None:
        """The whole notebook, however long, in a window of this width."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.wait_for_timeout(500)
        height = self.page.evaluate("() => document.querySelector('.jp-WindowedPanel-outer').scrollHeight")
        self.page.set_viewport_size({"width": width, "height": min(int(height) + 200, 15_000)})
        self.page.evaluate("() => document.querySelector('.jp-WindowedPanel-outer').scrollTo(0, 0)")
        self.page.wait_for_timeout(1000)  # figures redraw themselves for the new width
        self.page.screenshot(path=path)


class Slider:
    """One slider, used with the keyboard as one without a mouse would."""

    def __init__(self, handle: Locator) -> None:
        self.handle = handle

    @property
    def has_a_figure(self) -> bool:
        """Whether a figure stands in the same output, for the slider to change."""
        return self.handle.evaluate("node => !!node.closest('.jp-OutputArea-output').querySelector('.js-plotly-plot')")

    @property
    def text(self) -> str:
        """The value, as it is read out."""
        return self.handle.get_attribute("aria-valuetext") or ""

    @property
    def name(self) -> str:
        """What a screen reader calls it."""
        return self.handle.get_attribute("aria-label") or ""

    @property
    def readout(self) -> str:
        """The value, as it is written beside the slider."""
        return self.handle.evaluate("node => node.closest('.widget-slider').querySelector('.widget-readout').innerText")

    def settle(self, seconds: int = 20) -> None:
        """Wait a second, and longer while a busy kernel has not answered: what is read out is then what is written."""
        for _ in range(seconds):
            self.handle.page.wait_for_timeout(1000)
            if self.text == self.readout:
                return

    def move(self) -> None:
        """One step up, or down where it already stands at its highest."""
        self.handle.scroll_into_view_if_needed()
        self.handle.focus()
        now, highest = (float(self.handle.get_attribute(f"aria-value{what}") or 0) for what in ("now", "max"))
        self.handle.press("ArrowLeft" if now >= highest else "ArrowRight")


def contrasts(colour: list[float], behind: np.ndarray) -> np.ndarray:
    """WCAG's contrast of a text's colour (red, green, blue, opacity) with each of the colours behind it, (n, 3)."""
    text = behind + colour[3] * (np.array(colour[:3]) - behind)
    brightness = []
    for rgb in (text / 255, behind / 255):
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        brightness.append(0.05 + linear @ (0.2126, 0.7152, 0.0722))
    return np.maximum(*brightness) / np.minimum(*brightness)


THEMES = ("JupyterLab Dark", "JupyterLab Light")

SLIDERS = ".jp-OutputArea .widget-slider [role=slider]"

# The prompts of all code cells that hold code.
PROMPTS = """() => [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')]
    .filter(cell => cell.querySelector('.cm-content')?.textContent.trim() !== '')
    .map(cell => cell.querySelector('.jp-InputPrompt')?.textContent ?? '')"""

# A stored figure is shown as its picture; a fresh one is drawn. A figure that is there but has collapsed is 0 high.
FIGURES = """() => [...document.querySelectorAll('.jp-Notebook .jp-RenderedPlotly')]
    .filter(figure => !figure.classList.contains('lm-mod-hidden'))
    .map(figure => {
        const drawn = figure.querySelector('.main-svg'), picture = figure.querySelector('img');
        const box = figure.getBoundingClientRect(), shown = (drawn ?? picture)?.getBoundingClientRect();
        return {
            cell: [...document.querySelectorAll('.jp-Notebook .jp-Cell')].indexOf(figure.closest('.jp-Cell')) + 1,
            width: Math.min(box.width, shown?.width ?? 0), height: Math.min(box.height, shown?.height ?? 0),
            right: shown?.right ?? 0, traces: figure.data?.length ?? (picture ? 1 : 0),
        };
    })"""

FIGURE_DATA = """() => JSON.stringify([...document.querySelectorAll('.jp-Notebook .js-plotly-plot')]
    .map(figure => [figure.data, figure.layout?.title, figure.layout?.annotations, figure.layout?.shapes]))"""

PROBLEMS = """() => {
    const found = [];
    const cell = node => {
        const cells = [...document.querySelectorAll('.jp-Notebook .jp-Cell')];
        return `cell ${cells.indexOf(node.closest('.jp-Cell')) + 1}`;
    };
    const all = selector => [...document.querySelectorAll(`.jp-Notebook ${selector}`)];
    const short = node => node.textContent.trim().slice(0, 300);
    for (const kind of ['error', 'stderr'])
        for (const node of all(`.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.${kind}"]`))
            found.push(`${cell(node)}: ${kind}: ${short(node)}`);
    for (const node of all('.jp-mod-error')) found.push(`${cell(node)}: marked as an error: ${short(node)}`);
    for (const node of all('.jp-OutputArea-output'))
        if (/Error (displaying|creating) widget|Loading widget|Javascript Error/.test(node.textContent))
            found.push(`${cell(node)}: dead widget: ${short(node)}`);
    for (const bar of all('.jp-OutputArea .widget-hprogress'))
        if (bar.offsetParent !== null) found.push(`${cell(bar)}: a progress bar that stayed`);
    for (const figure of FIGURES())
        if (figure.width < 50 || figure.height < 50 || !figure.traces) found.push(`cell ${figure.cell}: blank figure`);
    return found;
}"""

WITHOUT_TEXTS = """
.jp-OutputArea-output * {-webkit-text-fill-color: transparent !important; transition: none !important}
.jp-OutputArea-output text, .jp-OutputArea-output tspan {fill-opacity: 0 !important; stroke-opacity: 0 !important}"""

OPEN_HINTS = """() => {
    document.querySelectorAll('.jp-OutputArea details').forEach(hint => hint.open = true);
    return Math.max(...[...document.querySelectorAll('.jp-OutputArea-output')].map(output => output.offsetHeight));
}"""

# The texts of one output: where in it each line of a text is, its colour and opacity, and the contrast that it needs.
TEXTS = """output => {
    const cell = [...document.querySelectorAll('.jp-Notebook .jp-Cell')].indexOf(output.closest('.jp-Cell')) + 1;
    output.scrollIntoView({block: 'nearest'});
    const around = output.getBoundingClientRect(), found = [];
    const walker = document.createTreeWalker(output, NodeFilter.SHOW_TEXT);
    for (let node; node = walker.nextNode();) {
        const text = node.textContent.trim(), parent = node.parentElement, style = getComputedStyle(parent);
        if (!text || style.visibility === 'hidden' || parent.closest('style, script, .js-plotly-tester')) continue;
        const drawn = parent instanceof SVGElement;
        const [red, green, blue, alpha = 1] = (drawn ? style.fill : style.color).match(/[0-9.]+/g).map(Number);
        let opacity = alpha;
        for (let above = parent; above !== output.parentElement; above = above.parentElement)
            opacity *= Number(getComputedStyle(above).opacity);
        const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
        const label = drawn ? text.split(/\\s+/).length <= 3 : !/[\\p{L}\\p{N}]/u.test(text);
        const range = document.createRange();
        range.selectNodeContents(node);
        for (const box of range.getClientRects())
            if (box.width > 1 && box.height > 1 && opacity > 0) found.push({
                cell, text, colour: [red, green, blue, opacity], needs: large || label ? 3 : 4.5,
                box: [box.left - around.left, box.top - around.top, box.right - around.left, box.bottom - around.top],
            });
    }
    return found;
}"""
