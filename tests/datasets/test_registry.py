"""Each kind of dataset has its own door, and nothing heavy stands behind it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pmt_helpers.datasets import DataError, activity_names, load_activity, load_documents, load_recordings


def test_an_unknown_dataset_names_the_known_ones() -> None:
    with pytest.raises(DataError, match=f"one of {', '.join(activity_names())}"):
        load_activity("wisdmm")
    with pytest.raises(DataError, match="one of wikipedia, news, nips"):
        load_documents("wisdmm")


def test_the_wrong_door_names_the_right_one() -> None:
    with pytest.raises(DataError, match=re.escape('load_documents("news") loads it')):
        load_activity("news")
    with pytest.raises(DataError, match=re.escape('load_activity("watch") loads it')):
        load_documents("watch")


def test_without_the_raw_file_wisdms_readings_say_how_to_get_it(small_wisdm: Path) -> None:
    with pytest.raises(DataError, match=r"WISDM_ar_v1\.1_raw\.txt(.|\n)*data fetch wisdm"):
        load_recordings("wisdm")


def test_the_package_imports_none_of_the_heavy_libraries() -> None:
    """gensim takes a second, pypdf and tqdm their share: who loads activities must not wait for them."""
    code = (
        "import sys, pmt_helpers.datasets\n"
        "print([name for name in ('gensim', 'pypdf', 'pandas', 'tqdm', 'keras', 'sklearn') if name in sys.modules])"
    )
    root = Path(__file__).parents[2]
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert out.stdout.strip() == "[]"
