"""Finding the files of `nips` in PMT_DATA_HOME: UCI's full table or the reduced one, each with its vocabulary."""

from dataclasses import dataclass
from pathlib import Path

from pmt_helpers.datasets.locations import data_home

URL = "https://archive.ics.uci.edu/ml/machine-learning-databases/bag-of-words/"


@dataclass(frozen=True)
class NipsTable:
    """A version of the data: its files, and what must be in them.

    sizes: documents, words, entries. tokens: the least and the most. more_than: its words occur more often than that.
    digest: of its content (nips.content_digest); None where it is not known to us.
    """

    what: str
    docword: str
    vocabulary: str
    sizes: tuple[int, int, int]
    tokens: tuple[int, int]
    more_than: int
    digest: str | None


# UCI states about 1.9 million tokens, and publishes no digest.
FULL = NipsTable(
    what="the full UCI table", docword="docword.nips.txt.gz", vocabulary="vocab.nips.txt",
    sizes=(1500, 12419, 746316), tokens=(1_850_000, 2_000_000), more_than=0, digest=None,
)  # fmt: skip
REDUCED = NipsTable(
    what="the reduced table", docword="docword.nips-f20.txt.gz", vocabulary="vocab.nips-f20.txt",
    sizes=(1500, 7605, 709477), tokens=(1_870_706, 1_870_706), more_than=20,
    digest="0c87486045a18122ebb770719240881b0f3493cef6361d39e08b3190635af79a",
)  # fmt: skip
TABLES = (FULL, REDUCED)


@dataclass(frozen=True)
class NipsFiles:
    """The two files of a table; either may be missing."""

    table: NipsTable
    docword: Path
    vocabulary: Path

    @property
    def complete(self) -> bool:
        """Whether both are there."""
        return self.docword.is_file() and self.vocabulary.is_file()


def nips_folder() -> Path:
    """Where the files are looked for and fetched to."""
    return data_home() / "nips"


def how_to_get() -> str:
    """One sentence: fetch it, or put it there by hand."""
    return (
        f"Run `python -m pmt_helpers data fetch nips`, or download {FULL.docword} and {FULL.vocabulary} from {URL} "
        f"in a browser and put both into {nips_folder()}."
    )


def files_of(table: NipsTable) -> NipsFiles:
    """Where the files of a table are or belong; an unpacked docword file is as good as the gzipped one."""
    folder = nips_folder()
    unpacked = folder / table.docword.removesuffix(".gz")
    docword = unpacked if unpacked.is_file() and not (folder / table.docword).is_file() else folder / table.docword
    return NipsFiles(table, docword, folder / table.vocabulary)


def find_files() -> NipsFiles | None:
    """The files to read: the full table where both its files are there, else the reduced one, else half of a pair."""
    pairs = [files_of(table) for table in TABLES]
    halves = [pair for pair in pairs if pair.docword.is_file() or pair.vocabulary.is_file()]
    return next((pair for pair in pairs if pair.complete), halves[0] if halves else None)


def find_nips() -> Path | None:
    """The docword file to read, or None where it or its vocabulary is missing."""
    files = find_files()
    return files.docword if files and files.complete else None
