"""The one error that datasets raise: which file, what was expected, what was found, what to do."""


class DataError(ValueError):
    """A data file is missing, damaged or not what it claims to be.

    file: path or name of what was read. expected, found: one phrase each. remedy: one sentence for the reader.
    """

    def __init__(self, *, file: object, expected: str, found: str, remedy: str) -> None:
        self.file, self.expected, self.found, self.remedy = str(file), expected, found, remedy
        super().__init__(f"cannot use {file}\n  expected: {expected}\n  found:    {found}\n  to do:    {remedy}")

    def about(self, file: object) -> "DataError":
        """The same error, about another file."""
        return DataError(file=file, expected=self.expected, found=self.found, remedy=self.remedy)
