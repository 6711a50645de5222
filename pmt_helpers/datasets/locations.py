"""Where data lives: what ships with the workbook or a package, and the cache for what is fetched on request."""

import importlib.util
import os
from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).resolve().parents[1]


def shipped(*parts: str) -> Path:
    """Path inside the data folder that ships with the workbook (data/ in a checkout, pmt_helpers/_data in a wheel)."""
    in_wheel = _PACKAGE / "_data"
    return (in_wheel if in_wheel.is_dir() else _PACKAGE.parent / "data").joinpath(*parts)


def data_home() -> Path:
    """Folder of fetched data: PMT_DATA_HOME if set, else the platform's user cache folder. It may not exist yet."""
    chosen = os.environ.get("PMT_DATA_HOME", "").strip()
    return Path(chosen).expanduser().absolute() if chosen else Path(platformdirs.user_cache_dir("pmt-workbook"))


def installed_file(package: str, *parts: str) -> Path | None:
    """A file inside an installed package, or None. The package is found without being run."""
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    paths = [Path(folder, *parts) for folder in folders or ()]
    return next((path for path in paths if path.is_file()), None)
