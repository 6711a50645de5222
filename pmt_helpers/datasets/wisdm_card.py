"""What the card of `wisdm` states, measured: one function per statement, named as in data/cards/wisdm.toml."""

import re
from collections import Counter
from itertools import product
from typing import Any

import numpy as np

from pmt_helpers.datasets import measures, wisdm_raw
from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.datasets.wisdm import about_counts, content_digest, parse_arff, read_table, read_text, require_wisdm


def _column(data: ActivityData, *names: str) -> np.ndarray:
    return data.X[:, [data.feature_names.index(name) for name in names]].squeeze().astype(np.float64)


def _bin_sums(data: ActivityData) -> np.ndarray:
    """(n, 3): the ten bin fractions of each axis, added up and rounded to the file's two decimals."""
    return np.stack([_column(data, *(f"{axis}{i}" for i in range(10))).sum(axis=1) for axis in "XYZ"], axis=1).round(2)


def _is_class(data: ActivityData, *names: str) -> np.ndarray:
    return np.isin(data.y, [data.class_names.index(name) for name in names])


def per_user(data: ActivityData) -> dict[str, Any]:
    windows = np.unique(data.users, return_counts=True)[1]
    mean, sd = round(float(windows.mean()), 2), round(float(windows.std(ddof=1)), 2)
    return {"mean": mean, "sd": sd, **measures.per_user(data)}


def incomplete_users(data: ActivityData) -> dict[str, Any]:
    n_classes = Counter(len(np.unique(data.y[data.users == user])) for user in data.user_ids)
    return {"all_six": n_classes[6], "fewest": min(n_classes)}


def missing_cells(data: ActivityData) -> dict[str, Any]:
    missing = dict(zip(data.feature_names, np.isnan(data.X).sum(axis=0).tolist(), strict=True))
    peaks = {name: missing.pop(name) for name in ("XPEAK", "YPEAK", "ZPEAK")}
    return {**peaks, "elsewhere": sum(missing.values())}


def missing_is_informative(data: ActivityData) -> dict[str, Any]:
    gaps = np.isnan(data.X).any(axis=1)
    share = {name: 100 * float(gaps[data.y == code].mean()) for code, name in enumerate(data.class_names)}
    still = {name: round(share.pop(name)) for name in ("Sitting", "Standing")}
    return {**still, "most_elsewhere": round(max(share.values()), 1)}


def zstanddev_is_a_copy(data: ActivityData) -> dict[str, Any]:
    z, x, deviation = _column(data, "ZSTANDDEV", "XSTANDDEV", "ZABSOLDEV").T
    useful = sum(len(np.unique(column)) > 1 for column in data.X.T) - bool((z == x).all())
    return {"different": int((z != x).sum()), "impossible": int((deviation > z + 0.01).sum()), "useful": useful}


def xstanddev_is_about_zero(data: ActivityData) -> dict[str, Any]:
    still = _is_class(data, "Sitting", "Standing")
    x, absolute, y, z, resultant = _column(data, "XSTANDDEV", "XABSOLDEV", "YAVG", "ZAVG", "RESULTANT")[still].T
    gap = np.abs(resultant - np.sqrt(x**2 + y**2 + z**2))
    return {"still": int(still.sum()), "gap": round(float(np.median(gap)), 3),
            "absolute_gap": round(float(np.median(x - absolute)), 2)}  # fmt: skip


def duplicate_rows(data: ActivityData) -> dict[str, Any]:
    first: dict[bytes, int] = {}
    copies = []
    for row, key in enumerate(np.column_stack([data.X, data.y, data.users])):
        if first.setdefault(key.tobytes(), row) != row:
            copies.append((row, row - first[key.tobytes()]))
    people = np.unique(data.users[[row for row, _ in copies]]).tolist() if copies else []
    return {"rows": len(copies), "people": people, "distance": sorted({distance for _, distance in copies})}


def bouts(data: ActivityData) -> dict[str, Any]:
    lengths = np.unique(data.recordings, return_counts=True)[1]
    return {"bouts": len(lengths), "of_one": int((lengths == 1).sum()), "longest": int(lengths.max())}


def partial_windows(data: ActivityData) -> dict[str, Any]:
    partial = (_bin_sums(data) < 0.85).all(axis=1)
    last = np.append(np.diff(data.recordings) != 0, True)
    still, resultant = _is_class(data, "Sitting", "Standing"), _column(data, "RESULTANT")
    return {
        "windows": int(partial.sum()), "last_of_bout": int((partial & last).sum()),
        "gravity_partial": round(float(np.median(resultant[still & partial])), 1),
        "gravity_whole": round(float(np.median(resultant[still & ~partial])), 1),
    }  # fmt: skip


def bins_exceed_one(data: ActivityData) -> dict[str, Any]:
    sums = _bin_sums(data)
    return {"median": round(float(np.median(sums)), 2), "largest": round(float(sums.max()), 2)}


def about_file(data: ActivityData) -> dict[str, Any]:
    counts = about_counts("rows")
    rows = counts.pop("rows", 0)
    extra = {n - int(_is_class(data, name).sum()) for name, n in counts.items()}
    return {"rows": rows, "too_many_a_class": sorted(extra)} if extra else {}


def header_forms(data: ActivityData) -> dict[str, Any]:
    text = read_text(require_wisdm()).replace("\r\n", "\n")
    header, _, body = text.partition("@data")
    digests, names = set(), set()
    for quoted, spaced, line_end in product((True, False), (True, False), ("\n", "\r\n")):
        styled = header if quoted else header.replace('"', "")
        styled = re.sub(r"class\s*{", "class {" if spaced else "class{", styled)
        form = f"{styled}@data{body}".replace("\n", line_end)
        digests.add(content_digest(form))
        names.add(parse_arff(form, "a restyled copy").names)
    return {"forms": 8, "different_contents": len(digests), "different_columns": len(names)}


STATEMENTS: dict[str, measures.Measure] = {
    **wisdm_raw.STATEMENTS,
    "size": lambda data: {**measures.size(data), "digest": content_digest(read_text(require_wisdm()))},
    "more-users-than-paper": lambda data: {"users": len(data.user_ids)},
    "xavg-is-zero": lambda data: {"not_zero": int((_column(data, "XAVG") != 0).sum())},
    "unique-id-is-not-unique": lambda data: {"values": len(np.unique(read_table(require_wisdm()).unique_ids))},
    "scattered-users": lambda data: {"stretches": 1 + int((np.diff(data.users) != 0).sum())},
    **measures.by_statement(
        per_user, measures.classes, incomplete_users, missing_cells, missing_is_informative, zstanddev_is_a_copy,
        xstanddev_is_about_zero, duplicate_rows, bouts, partial_windows, bins_exceed_one, about_file, header_forms,
    ),
}  # fmt: skip
