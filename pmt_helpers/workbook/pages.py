"""A site of executed notebooks that needs no network and no kernel, and pictures of their figures.

nbconvert's own page fetches require.js, jQuery, MathJax and Mermaid from CDNs, and shows a Plotly figure only with
their help. Here page.html is the frame: one plotly.js for all pages, formulas as MathML, sliders over stored figures.
"""

import asyncio
import base64
import copy
import io
import json
import re
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import Template, pass_context
from latex2mathml.converter import convert
from mistune.plugins.table import table_in_quote
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat.notebooknode import NotebookNode
from pygments.formatters import HtmlFormatter

from pmt_helpers.datasets.files import atomic_path
from pmt_helpers.teaching.display import PAGE, frames_html
from pmt_helpers.workbook.files import PLOTLY, ROOT, NotebookError, has_code, write_notebook

WIDTH, HEIGHT = 480, 450  # JupyterLab shows a picture as it is: wider, a window of 600 pixels would cut it
COLOURS = 64  # in a picture: enough for a few lines, bands and their edges, and a third of the size
_SECONDS = 90


def plotly_outputs(notebook: NotebookNode) -> Iterator[NotebookNode]:
    """Every output of the notebook that holds a Plotly figure."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if PLOTLY in output.get("data", {}):
                yield output


def add_pictures(notebook: NotebookNode, earlier: NotebookNode | None, render: bool = True) -> int:
    """Give each Plotly output an `image/png` and its sentence as alternative text; returns how many were drawn.

    A figure that has not changed since `earlier` keeps its picture. With render=False nothing new is drawn.
    """
    known = {
        _key(output): output.data["image/png"]
        for output in plotly_outputs(earlier or NotebookNode(cells=[]))
        if "image/png" in output.data
    }
    missing = []
    for output in plotly_outputs(notebook):
        if (picture := known.get(_key(output))) is not None:
            _attach(output, picture)
        elif render:
            missing.append(output)
    if missing:
        drawn = draw_figures([output.data[PLOTLY] for output in missing])
        for output, png in zip(missing, drawn, strict=True):
            _attach(output, base64.b64encode(png).decode())
    return len(missing)


def smaller(png: bytes) -> bytes:
    """The same picture with few colours, of a third of the size."""
    from PIL import Image  # a development requirement, as kaleido is

    with Image.open(io.BytesIO(png)) as picture, io.BytesIO() as file:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
        return file.getvalue()


def _key(output: NotebookNode) -> str:
    return json.dumps(output.data[PLOTLY], sort_keys=True)


def _attach(output: NotebookNode, picture: str) -> None:
    output.data["image/png"] = picture
    sentence = "".join(output.data.get("text/plain", "")).strip()
    output.metadata["image/png"] = {"alt": sentence, "width": WIDTH}


def draw_figures(figures: Sequence[dict], scale: int = 1) -> list[bytes]:
    """Plotly figures as PNG, as large as their layouts say, with `scale` dots per pixel. One browser serves all."""
    return [smaller(png) for png in asyncio.run(_draw(figures, scale))]


async def _draw(figures: Sequence[dict], scale: int) -> list[bytes]:
    import kaleido  # a development requirement: only who builds notebooks needs it
    from choreographer.errors import ChromeNotFoundError

    try:
        # mathjax=False: kaleido would fetch it from a CDN.
        async with kaleido.Kaleido(n=1, mathjax=False, timeout=_SECONDS) as browser:
            drawn = []
            for figure in figures:
                bare = {"data": figure["data"], "layout": figure.get("layout", {})}
                width, height = (
                    bare["layout"].get(side) or usual for side, usual in (("width", WIDTH), ("height", HEIGHT))
                )
                opts = {"format": "png", "width": int(width), "height": int(height), "scale": scale}
                drawn.append(await browser.calc_fig(bare, opts=opts))
            return drawn
    except ChromeNotFoundError:
        raise NotebookError(
            "No Chromium or Chrome found to draw the figures' pictures with. Install one (Debian: apt-get install "
            "chromium), or set BROWSER_PATH to it, or build with --no-png."
        ) from None


_FRAME = Path(__file__).with_name("page.html")
# Where the badges in README.md lead; those of a copy without a public address say OWNER/REPO.
_ONLINE = {
    "Open in Binder": r"https://mybinder\.org/v2/gh/[^/\s]+/[^/\s]+/HEAD\?urlpath=lab/tree/notebooks/",
    "Open in Colab": r"https://colab\.research\.google\.com/github/[^/\s]+/[^/\s]+/blob/[^/\s]+/colab/",
}
_NOWHERE = "OWNER/REPO"
_INSTALL = Path(__file__).with_name("install_cell.txt")
TITLE = "Privacy-preserving personal model training: a workbook"


class _Renderer(IPythonRenderer):
    """Markdown as a page shows it: formulas as MathML, tables in a box of their own, links that lead to pages."""

    pages: Sequence[str] = ()

    def inline_math(self, body: str) -> str:
        return _mathml(body, "inline")

    def block_math(self, body: str) -> str:
        return f'<span class="scroll">{_mathml(body, "block")}</span>'

    def table(self, text: str) -> str:
        return f'<div class="scroll"><table>{text}</table></div>'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        stem, found, anchor = url.partition(".ipynb")
        if not found or "/" in stem:
            return super().link(text, url, title)
        return super().link(text, f"{stem}.html{anchor}", title) if stem in self.pages else text


def _mathml(latex: str, display: str) -> str:
    try:
        return convert(latex, display=display)
    except Exception:  # a dozen errors without a parent; a learner's own "$" must not stop the pages
        return f"<code>{escape(latex)}</code>"


class _Exporter(HTMLExporter):
    """The notebook's cells as HTML, without a frame."""

    template_name = "basic"

    def __init__(self, pages: Sequence[str]) -> None:
        super().__init__(exclude_input_prompt=True, exclude_output_prompt=True, sanitize_html=False)
        self.pages = pages

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        return as_html(source, self.pages, context.get("cell", {}).get("attachments", {}))


def as_html(markdown: str, pages: Sequence[str] = (), attachments: dict[str, dict[str, str]] | None = None) -> str:
    """Markdown as a page shows it: formulas as MathML; links to notebooks lead to `pages`, or are left as text."""
    renderer = _Renderer(escape=False, attachments=attachments)
    renderer.pages = pages
    parser = MarkdownWithMath(renderer=renderer)
    parser.use(table_in_quote)
    return parser.render(markdown)


def page(notebook: NotebookNode, title: str, pages: Sequence[str] = (), links: str = "") -> str:
    """The notebook as HTML. Its figures need plotly.min.js beside it (write_site).

    pages: the names of the other notebooks that have one; links: the HTML above and below
    """
    notebook = copy.deepcopy(notebook)
    for output in (output for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output):
        data = output.data
        if PLOTLY in data:
            sentence = "".join(data.get("text/plain", "")).strip()
            data["text/html"] = frames_html([{"figure": data[PLOTLY], "sentence": sentence}])
        elif PAGE in data:
            data["text/html"] = data[PAGE]
    body, _ = _Exporter(pages).from_notebook_node(notebook)
    return framed(title, body, links)


def framed(title: str, body: str, links: str = "") -> str:
    """A page of our own style around this HTML."""
    style = HtmlFormatter().get_style_defs(".highlight")
    frame = Template(_FRAME.read_text(encoding="utf-8"))
    return frame.render(title=title, body=body, links=links, code_style=style) + "\n"


def write_site(folder: Path, names: Sequence[str], root: Path = ROOT) -> None:
    """Write a page of each notebook NAME.ipynb of the folder beside it, index.html, and the plotly.js of all pages.

    The pages follow each other in the order of the names. Buttons for Binder and Colab appear once the badges in
    README.md have an address. The folder colab gets copies of the notebooks which install the package where it is not.
    """
    notebooks = {name: nbformat.read(folder / f"{name}.ipynb", as_version=4) for name in names}
    titles = {name: title_of(notebook, name) for name, notebook in notebooks.items()}
    for place, (name, notebook) in enumerate(notebooks.items()):
        links = [("index.html", "Contents")]
        links += [(f"{other}.html", f"Previous: {titles[other]}") for other in names[max(place - 1, 0) : place]]
        links += [(f"{other}.html", f"Next: {titles[other]}") for other in names[place + 1 : place + 2]]
        online = _online(name, root)
        links += [(f"{name}.ipynb", "Download the notebook"), *online]
        write_html(folder / f"{name}.html", page(notebook, titles[name], names, _links(links)))
        write_notebook(installing(notebook, [url for url, _ in online]), folder / "colab" / f"{name}.ipynb")
    write_html(folder / "index.html", framed(TITLE, f"<h1>{TITLE}</h1>{as_html(_map(notebooks, titles), names)}"))
    from plotly.offline import get_plotlyjs

    write_html(folder / "plotly.min.js", get_plotlyjs())


def title_of(notebook: NotebookNode, name: str) -> str:
    """The notebook's first heading; its name, where it has none."""
    found = re.search(r"^# (.+)", notebook.cells[0].source if notebook.cells else "")
    return found[1].strip() if found else name


def _map(notebooks: dict[str, NotebookNode], titles: dict[str, str]) -> str:
    """The map of notebooks and minutes: the one that a notebook shows, its own name made a link, or their titles."""
    for name, notebook in notebooks.items():
        for cell in notebook.cells:
            if found := re.match(r"## The map\n+((\|.*\n?)+)", cell.source):
                return re.sub(r"\*\*(.+?)\*\*", rf"[\1]({name}.ipynb)", found[1])
    return "\n".join(f"- [{title}]({name}.ipynb)" for name, title in titles.items())


def _online(name: str, root: Path) -> list[tuple[str, str]]:
    readme = root / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.exists() else ""
    found = [(re.search(address, text), words) for words, address in _ONLINE.items()]
    return [(f"{badge[0]}{name}.ipynb", words) for badge, words in found if badge and _NOWHERE not in badge[0]]


def installing(notebook: NotebookNode, online: Sequence[str] = ()) -> NotebookNode:
    """A copy with one more cell, below the first: it installs the package where it cannot be imported.

    It takes the wheel beside the notebook, else the repository that one of the addresses `online` names.
    """
    copied = copy.deepcopy(notebook)
    if has_code(notebook):
        found = re.search(r"/(?:gh|github)/([^/\s]+/[^/\s]+)/", " ".join(online))
        sources = [f"git+https://github.com/{found[1]}"] if found else []
        text = _INSTALL.read_text(encoding="utf-8").strip().replace("SOURCES", json.dumps(sources))
        cell = nbformat.v4.new_code_cell(text, id="install")
        copied.cells.insert(1, cell)
    return copied


def _links(links: Sequence[tuple[str, str]]) -> str:
    keep = [" download" if re.fullmatch(r"[^/]+\.ipynb", url) else "" for url, _ in links]
    tags = [f'<a href="{url}"{how}>{escape(text)}</a>' for (url, text), how in zip(links, keep, strict=True)]
    return f"<nav>{''.join(tags)}</nav>"


def write_html(path: Path, text: str) -> None:
    """Write a page, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
