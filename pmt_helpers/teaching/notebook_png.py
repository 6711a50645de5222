"""A picture beside each Plotly output, so that a stored figure shows on a code-hosting page without a kernel.

kaleido draws with the computer's own Chromium or Chrome and the plotly.js inside the plotly package: no network.
"""

import asyncio
import base64
import io
import json
from collections.abc import Iterator

from nbformat.notebooknode import NotebookNode

from pmt_helpers.teaching.notebook_files import PLOTLY, NotebookError

WIDTH, HEIGHT = 800, 450
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
        drawn = asyncio.run(_draw([output.data[PLOTLY] for output in missing]))
        for output, png in zip(missing, drawn, strict=True):
            _attach(output, base64.b64encode(smaller(png)).decode())
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


def _height(figure: dict) -> int:
    return int(figure.get("layout", {}).get("height") or HEIGHT)


async def _draw(figures: list[dict]) -> list[bytes]:
    import kaleido  # a development requirement: only who builds notebooks needs it
    from choreographer.errors import ChromeNotFoundError

    try:
        # mathjax=False: kaleido would fetch it from a CDN. One browser serves all figures.
        async with kaleido.Kaleido(n=1, mathjax=False, timeout=_SECONDS) as browser:
            return [
                await browser.calc_fig(
                    {"data": figure["data"], "layout": figure.get("layout", {})},
                    opts={"format": "png", "width": WIDTH, "height": _height(figure), "scale": 1},
                )
                for figure in figures
            ]
    except ChromeNotFoundError:
        raise NotebookError(
            "No Chromium or Chrome found to draw the figures' pictures with. Install one (Debian: apt-get install "
            "chromium), or set BROWSER_PATH to it, or build with --no-png."
        ) from None
