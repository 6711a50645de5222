"""Downloading a file so that it is kept only when it is whole and right."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from pmt_helpers.datasets.errors import DataError

TIMEOUT_SECONDS = 30  # without a single byte arriving


def download(url: str, target: Path, verify: Callable[[Path], object]) -> Path:
    """Fetch url with a progress bar, verify it under a temporary name, then give it its final name.

    verify: called with the temporary file; a DataError from it means that the download is thrown away.
    Whatever goes wrong, or an interruption, leaves nothing new under the target's name. Raises DataError.
    """
    import pooch  # here, not above: only a download needs it, and it is slow to import
    import requests

    by_hand = f"or download {url} in a browser and put it at {target}."
    pooch.get_logger().setLevel("WARNING")  # its advice to pin the archive's hash: the verified content is what we pin
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetching-") as folder:
            downloader = pooch.HTTPDownloader(progressbar=True, timeout=TIMEOUT_SECONDS)
            pooch.retrieve(url, known_hash=None, fname=target.name, path=folder, downloader=downloader)
            verify(Path(folder, target.name))
            return Path(folder, target.name).replace(target)
    except DataError as error:
        raise DataError(
            file=url, expected=error.expected, found=error.found,
            remedy=f"The download was not kept. Try again later, {by_hand}",
        ) from error  # fmt: skip
    except requests.HTTPError as error:
        if error.response is not None:
            error.response.close()  # pooch leaves it open
        raise DataError(
            file=url, expected="the file", found=f"the server's answer: {error}",
            remedy=f"The address may have moved. Try again later, {by_hand}",
        ) from error  # fmt: skip
    except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError) as error:
        raise DataError(
            file=url, expected="the whole file", found="a download that broke off",
            remedy=f"Nothing was kept. Try again, {by_hand}",
        ) from error  # fmt: skip
    except requests.RequestException as error:
        raise DataError(
            file=url, expected="an answer from the server", found=f"none ({type(error).__name__})",
            remedy=f"Is this machine online? Try again with a connection, {by_hand}",
        ) from error  # fmt: skip
    except OSError as error:
        raise DataError(
            file=target.parent, expected="a folder to write to", found=error.strerror or str(error),
            remedy="Make it writable, free some space, or set PMT_DATA_HOME to another folder.",
        ) from error  # fmt: skip
