"""Benchmarks are scripts: what they import beside themselves is found in their own folder."""

from importlib import import_module
from types import ModuleType

import pytest

from pmt_helpers.datasets.files import shipped

FOLDER = shipped().parent / "benchmarks"


@pytest.fixture(scope="module")
def benchmark(request: pytest.FixtureRequest) -> ModuleType:
    """The benchmark that the test file is named after."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        return import_module(request.path.stem.removeprefix("test_"))
