"""Finding and opening WISDM's files: the bare ARFF, the unpacked archive or the official tar.gz, in PMT_DATA_HOME."""

import tarfile
import zlib
from pathlib import Path, PurePosixPath

from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.locations import data_home

ARFF = "WISDM_ar_v1.1_transformed.arff"
ABOUT = "WISDM_ar_v1.1_trans_about.txt"
ARCHIVE = "WISDM_ar_latest.tar.gz"
URL = f"https://www.cis.fordham.edu/wisdm/includes/datasets/latest/{ARCHIVE}"


def wisdm_folder() -> Path:
    """Where WISDM is looked for and fetched to."""
    return data_home() / "wisdm"


def how_to_get() -> str:
    """One sentence: fetch it, or put it there by hand."""
    return (
        f"Run `python -m pmt_helpers data fetch wisdm`, or download {URL} in a browser "
        f"and put {ARCHIVE} (or the {ARFF} inside it) into {wisdm_folder()}."
    )


def find_wisdm() -> Path | None:
    """The file to read: an ARFF in the wisdm folder or below it, else the archive there, else None."""
    folder = wisdm_folder()
    archive = folder / ARCHIVE
    return next(iter(sorted(folder.rglob(ARFF))), archive if archive.is_file() else None)


def read_text(path: Path, name: str = ARFF) -> str:
    """Text of the file called name: path itself, its sibling, or inside it when path is an archive.

    Raises DataError when it is not there, cannot be read, or is not text.
    """
    try:
        raw = _read_from_archive(path, name) if path.name.endswith(".tar.gz") else (path.parent / name).read_bytes()
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            file=path, expected=f"{name} as plain text", found=f"a byte that is not text at position {error.start:,}",
            remedy=f"Delete the file, then get it again. {how_to_get()}",
        ) from error  # fmt: skip
    except OSError as error:
        raise DataError(
            file=path, expected=f"a readable {name}", found=error.strerror or str(error),
            remedy=f"Check the file's permissions, or get it again. {how_to_get()}",
        ) from error  # fmt: skip


def _read_from_archive(path: Path, name: str) -> bytes:
    with path.open("rb") as file:
        start = file.read(40)
    if not start.startswith(b"\x1f\x8b"):
        found = "an empty file" if not start else f"a file that begins {start.decode('latin-1')!r}"
        if start.lstrip().startswith(b"<"):
            found = f"a web page saved under this name, beginning {start.decode('latin-1')!r}"
        raise DataError(file=path, expected="a tar.gz archive", found=found, remedy=_delete_and_retry())
    try:
        with tarfile.open(path, mode="r|gz") as archive:  # a stream: what follows a good ARFF does not matter
            for member in archive:
                if member.isfile() and PurePosixPath(member.name).name == name:
                    content = archive.extractfile(member)
                    return content.read() if content else b""
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise DataError(
            file=path, expected=f"a whole tar.gz archive with {name}", found=f"a damaged or truncated one ({error})",
            remedy=_delete_and_retry(),
        ) from error  # fmt: skip
    raise DataError(
        file=path,
        expected=f"{name} somewhere in the archive",
        found="nothing of that name, or damage",
        remedy=_delete_and_retry(),
    )


def _delete_and_retry() -> str:
    return f"Delete it, then get it again. {how_to_get()}"
