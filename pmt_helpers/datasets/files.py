"""Where data lies on this machine, how it is fetched, and how a file is written whole or not at all."""

import errno
import hashlib
import importlib.util
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import platformdirs

from pmt_helpers.datasets.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_PACKAGE = Path(__file__).resolve().parents[1]
TIMEOUT_SECONDS = 30  # without a single byte arriving
MB = 10**6


def shipped(*parts: str) -> Path:
    """Path inside the data folder that ships with the workbook (data/ in a checkout, pmt_helpers/_data in a wheel)."""
    in_wheel = _PACKAGE / "_data"
    return (in_wheel if in_wheel.is_dir() else _PACKAGE.parent / "data").joinpath(*parts)


def paper_table(name: str) -> "pd.DataFrame":
    """One table of data/paper, such as "fig3_accuracy_smooth". Raises DataError, naming those there are."""
    import pandas as pd  # here, not above: loading data must not wait for it

    path = shipped("paper", f"{name}.csv")
    if not path.is_file():
        known = ", ".join(sorted(table.stem for table in shipped("paper").glob("*.csv")))
        raise DataError(file=path, expected=f"one of {known}", found=repr(name), remedy="check the spelling")
    return pd.read_csv(path)


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


def reinstall(package: str) -> str:
    """What to do about a package whose data is missing or damaged."""
    return f"Install it again: `python -m pip install --force-reinstall --no-deps {package}`."


def require_installed(path: Path | None, name: str, contents: str) -> Path:
    """path, as installed_file gave it. Raises DataError, with the way to install its package, when that is None."""
    if path is None:
        package = name.partition("/")[0]
        expected, found = f"the {package} package with its {contents}", "no such package, or one without the file"
        raise DataError(file=name, expected=expected, found=found, remedy=reinstall(package))
    return path


def open_plain(path: Path, largest_mb: float) -> BinaryIO:
    """An ordinary file, opened to be read. Raises OSError for a larger one, a folder, and what might never end.

    A pipe would wait for its writer, and a device such as /dev/zero has no end.
    """
    state = path.stat()
    if stat.S_ISDIR(state.st_mode):
        raise IsADirectoryError(errno.EISDIR, "Is a directory")
    if not stat.S_ISREG(state.st_mode):
        raise OSError(errno.EINVAL, "a pipe or device, not a file")
    if state.st_size > largest_mb * MB:
        raise OSError(errno.EFBIG, f"{state.st_size / MB:,.1f} MB; at most {largest_mb:,g} MB are read")
    return path.open("rb")


def read_unpacked(stream: BinaryIO, largest_mb: float) -> bytes:
    """All that a packed stream holds. Raises OSError for more than largest_mb: a few bytes may unpack to any size."""
    content = stream.read(round(largest_mb * MB) + 1)
    if len(content) > largest_mb * MB:
        raise OSError(errno.EFBIG, f"it unpacks to more than the {largest_mb:,g} MB that are read")
    return content


def printable(name: str) -> str:
    """A file's name as text: bytes that are no UTF-8, which some systems leave in names, cannot be shown or stored."""
    return name.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def state_of(path: Path) -> tuple[int, int]:
    """When a file was changed and its size, for caches; zeros where that cannot be known: its reader says why."""
    try:
        state = path.stat()
    except OSError:
        return 0, 0
    return state.st_mtime_ns, state.st_size


def file_digest(path: Path) -> str:
    """sha256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def download(url: str, target: Path, verify: Callable[[Path], object]) -> Path:
    """Fetch url with a progress bar, verify it under a temporary name, then give it its final name.

    verify: called with the temporary file; a DataError from it means that the download is thrown away.
    Whatever goes wrong, or an interruption, leaves nothing new under the target's name. Raises DataError.
    """
    import pooch  # here, not above: only a download needs it, and it is slow to import
    import requests

    pooch.get_logger().setLevel("WARNING")  # its advice to pin the archive's hash: the verified content is what we pin
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetching-") as folder:
            downloader = pooch.HTTPDownloader(progressbar=True, timeout=TIMEOUT_SECONDS)
            pooch.retrieve(url, known_hash=None, fname=target.name, path=folder, downloader=downloader)
            verify(Path(folder, target.name))
            return Path(folder, target.name).replace(target)
    except (DataError, requests.RequestException) as error:
        if isinstance(error, DataError):
            expected, found, advice = error.expected, error.found, "The download was not kept. Try again later"
        elif isinstance(error, requests.HTTPError):
            if error.response is not None:
                error.response.close()  # pooch leaves it open
            expected, found = "the file", f"the server's answer: {error}"
            advice = "The address may have moved. Try again later"
        elif isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
            expected, found, advice = "the whole file", "a download that broke off", "Nothing was kept. Try again"
        else:
            expected, found = "an answer from the server", f"none ({type(error).__name__})"
            advice = "Is this machine online? Try again with a connection"
        remedy = f"{advice}, or download {url} in a browser and put it at {target}."
        raise DataError(file=url, expected=expected, found=found, remedy=remedy) from error
    except OSError as error:
        found = error.strerror or str(error)
        if error.errno is None:  # raised by requests, before it asks: a variable names certificates that are not there
            expected, remedy = "settings under which the network can be asked", "Correct or unset REQUESTS_CA_BUNDLE."
            raise DataError(file=url, expected=expected, found=found, remedy=remedy) from error
        remedy = "Make it writable, free some space, or set PMT_DATA_HOME to another folder."
        raise DataError(file=target.parent, expected="a folder to write to", found=found, remedy=remedy) from error


def check_writable(folder: Path) -> None:
    """Raise DataError when no file can be written in `folder`, or the disk is full; it is made if it is not there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            file.write(bytes(4096))
    except OSError as error:
        raise DataError(
            file=folder, expected="a folder to write to, with room in it", found=error.strerror or str(error),
            remedy="make it writable, make room, or choose another place with --out",
        ) from error  # fmt: skip


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary sibling of path to write to; it takes path's place on success and is removed on failure.

    Creates missing parent folders. The temporary name keeps path's suffix, since some writers look at it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as folder:
        temporary = Path(folder) / path.name
        yield temporary
        temporary.replace(path)
