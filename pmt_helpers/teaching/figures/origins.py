"""How a number of a device was obtained, said on the figure itself: its name, colour and mark. Notebook 05."""

from collections.abc import Mapping, Sequence

import pandas as pd

from pmt_helpers.teaching.figures.template import BLUE, GREEN, GREY, ORANGE, OTHERS, VERMILION

PAPER = "paper-digitised"
OBTAINED = {
    "measured-pi": "measured on a Raspberry Pi",
    "measured-host": "measured on this kind of computer",
    "measured-host-constrained": "measured under a memory limit",
    "emulated-raspi3b-icount": "emulated Raspberry Pi 3B (instructions counted)",
    PAPER: "digitised from the paper",
    "predicted": "predicted",
}
MEMORY_ONLY = (
    "measured-host-constrained",
)  # a limit changes seconds too, and a limited machine may be an emulated one
KERNELS = {
    "python": "plain Python",
    "numpy": "NumPy",
    "numba": "Numba",
    "jax": "JAX",
    "keras_fit": "Keras fit",
    "keras_batch": "Keras batch",
}
# No model is drawn beside these, so the models' colours come last. The paper is grey, as everywhere.
_STYLES = (*OTHERS, (VERMILION, "cross"), (BLUE, "circle"), (GREEN, "diamond"), (ORANGE, "square"))
_PAPER_STYLE = (GREY, "circle-open")

Key = tuple[str, str]  # origin, and kernel or ""


def obtained(origin: str) -> str:
    """The origin in words. Raises ValueError for one that the logs do not have."""
    if origin not in OBTAINED:
        raise ValueError(f"unknown origin {origin!r}; the logs have {', '.join(OBTAINED)}")
    return OBTAINED[origin]


def of_one_origin(frame: pd.DataFrame, figure: str) -> str:
    """The only origin of these rows, in words. Raises ValueError when there are several."""
    found = list(dict.fromkeys(frame["origin"].astype(str)))
    if len(found) != 1:
        raise ValueError(f"{figure} adds up numbers of one origin; these rows have {', '.join(found)}: draw them apart")
    return obtained(found[0])


def by_series(frame: pd.DataFrame) -> dict[Key, pd.DataFrame]:
    """The rows of each origin and kernel, in the order of OBTAINED and KERNELS; two origins are never one series."""
    for origin in frame["origin"].astype(str).unique():
        obtained(origin)
    kernel = frame["kernel"].astype(object) if "kernel" in frame else pd.Series("", frame.index, dtype=object)
    keyed = frame.assign(origin=frame["origin"].astype(str), kernel=kernel.where(kernel.notna(), "").astype(str))
    groups: dict[Key, pd.DataFrame] = {
        (str(origin), str(kernel)): rows for (origin, kernel), rows in keyed.groupby(["origin", "kernel"], sort=False)
    }
    origins, kernels = list(OBTAINED), ["", *KERNELS]
    known = sorted(groups, key=lambda key: (origins.index(key[0]), _place(kernels, key[1])))
    return {key: groups[key] for key in known}


def _place(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else len(names)


def series_names(keys: Sequence[Key]) -> dict[Key, str]:
    """What the legend calls each series: how it was obtained, after its kernel where kernels differ."""
    several = len({kernel for _, kernel in keys if kernel}) > 1
    return {
        (origin, kernel): f"{kernel_name(kernel)}, {obtained(origin)}" if several and kernel else obtained(origin)
        for origin, kernel in keys
    }


def series_styles(keys: Sequence[Key]) -> dict[Key, tuple[str, str]]:
    """Colour and symbol of each series, never one colour twice. Raises ValueError for more series than colours."""
    ours = [key for key in keys if key[0] != PAPER]
    if len(ours) > len(_STYLES) or len(keys) - len(ours) > 1:
        raise ValueError(f"{len(keys)} series are too many to tell apart; draw {len(_STYLES)} at most, one the paper's")
    styles: Mapping[Key, tuple[str, str]] = dict(zip(ours, _STYLES, strict=False))
    return {key: styles.get(key, _PAPER_STYLE) for key in keys}


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows in the order of KERNELS."""
    kernels = list(KERNELS)
    return frame.iloc[
        [at for _, at in sorted((_place(kernels, str(name)), at) for at, name in enumerate(frame["kernel"]))]
    ]


def kernel_name(kernel: str) -> str:
    """`keras_fit` -> "Keras fit"; a kernel that is not known keeps its name."""
    return KERNELS.get(kernel, kernel)


def with_origin(title: str, origin: str) -> str:
    """An axis title with how the numbers were obtained (in words) below it."""
    return f'{title}<br><span style="font-size:12px">{origin}</span>'
