"""One error tree. Messages are Chinese, in the user's words: what, where, what to do."""

from __future__ import annotations


class PuhuiError(Exception):
    """Root of every error puhui raises on purpose.

    Parameters
    ----------
    message
        One or two sentences a reporting clerk or an analyst understands.
    where
        File, sheet, cell, line or column the message is about, if any.
    remedy
        What to do about it, if there is something to do.
    """

    exit_code = 2

    def __init__(self, message: str, *, where: str = "", remedy: str = "") -> None:
        self.message = message
        self.where = where
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        head = f"{self.where}：{self.message}" if self.where else self.message
        return f"{head} {self.remedy}".strip()


class ParamsError(PuhuiError):
    """A file under ``params/`` is wrong; ``where`` names file and line."""


class ExpressionError(ParamsError):
    """An expression uses something outside the whitelisted language."""


class RefusedFile(PuhuiError):
    """A submitted file is refused as a whole; other files and institutions go on."""

    exit_code = 1


class ReferenceDataError(PuhuiError):
    """Reference data cannot answer, e.g. a date before a benchmark series begins."""


class StoreError(PuhuiError):
    """The store cannot be used as it stands."""


class StoreLocked(StoreError):
    """Another run holds the store."""

    exit_code = 3


class FitError(PuhuiError):
    """A regression is refused; the message says why and names columns or clusters."""


class NotebookFailed(PuhuiError):
    """A notebook stopped; ``where`` names the notebook, the institution and the cell."""

    exit_code = 1


class RunError(PuhuiError):
    """A run cannot start or go on: missing folder, wrong quarter, missing results."""
