"""What has been done already: keys of finished work, kept beside the working papers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from puhui.store import write_text


class State:
    """Keys of tasks already done, kept beside the working papers."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: dict[str, str] = {}
        if path.is_file():
            # A torn file costs doing work again, nothing else.
            with suppress(json.JSONDecodeError):
                self._keys = json.loads(path.read_text(encoding="utf-8"))

    def is_done(self, key_of: str, key: str, makes: Sequence[Path]) -> bool:
        """Whether a piece of work was done with this very key and its files are still there."""
        return self._keys.get(key_of) == key and all(p.is_file() for p in makes)

    def done(self, key_of: str, key: str) -> None:
        """Remember a finished piece of work."""
        self._keys[key_of] = key
        write_text(self._path, json.dumps(self._keys, indent=1, sort_keys=True))

    def forget(self, key_of: str) -> None:
        """Forget a piece of work that failed."""
        if self._keys.pop(key_of, None) is not None:
            write_text(self._path, json.dumps(self._keys, indent=1, sort_keys=True))
