"""Running a quarter: submissions in, pages out.

Notebooks need :func:`open_run` only; the stages are in :mod:`puhui.runner.quarterly`, which
is not imported here because every kernel would pay for it.
"""

from puhui.runner.opening import open_run

__all__ = ["open_run"]
