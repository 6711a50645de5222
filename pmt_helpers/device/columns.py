"""Records that become columns as they come, eight bytes a number, so that a long log needs no memory for its text."""

from array import array
from typing import Any

import numpy as np
import pandas as pd

from pmt_helpers.device.records import TEXTS

_TEXTS = frozenset(TEXTS)


class Columns:
    """A growing table. Fields that a record lacks are NaN there; text is kept as a category."""

    def __init__(self) -> None:
        self._n = 0
        self._numbers: dict[str, array] = {}
        self._codes: dict[str, array] = {}
        self._words: dict[str, dict[str, int]] = {}

    def add(self, record: dict[str, Any]) -> None:
        """One row: numbers, and the texts that the schema has."""
        n = self._n
        for name, value in record.items():
            if name == "ev":
                continue
            if name in _TEXTS:
                words = self._words.setdefault(name, {})
                value = words.setdefault(value, len(words))
                column = self._codes.setdefault(name, array("i"))
                missing: Any = -1
            else:
                column = self._numbers.get(name) or self._numbers.setdefault(name, array("d"))
                missing = np.nan
            if len(column) < n:
                column.extend([missing] * (n - len(column)))
            column.append(value)
        self._n = n + 1

    def frame(self) -> pd.DataFrame:
        """The table, texts first. The columns are not copied."""
        found: dict[str, Any] = {}
        for name, column in self._codes.items():
            column.extend([-1] * (self._n - len(column)))
            found[name] = pd.Categorical.from_codes(np.frombuffer(column, np.int32), pd.Index(list(self._words[name])))
        for name, numbers in self._numbers.items():
            numbers.extend([np.nan] * (self._n - len(numbers)))
            found[name] = np.frombuffer(numbers, float)
        return pd.DataFrame(found, index=pd.RangeIndex(self._n), copy=False)
