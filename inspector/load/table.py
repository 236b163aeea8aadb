"""Tables of a TOML file of a stranger, read with checks."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

from inspector.errors import CheckpointError
from inspector.load.safe import plain_text

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
"""What an agent may be called: recordings are put into folders of that name."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of an `agent.toml`, read with checks.

    Attributes:
        values: As parsed.
        what: Its name, for error messages.
    """

    values: dict[str, object]
    what: str

    @classmethod
    def of(cls, document: dict[str, object], name: str, path: Path, optional: bool = False) -> "Table":
        """The table of that name.

        Raises:
            CheckpointError: If it is missing, unless `optional`, or is no table.
        """
        found = document.get(name, {} if optional else None)
        if not isinstance(found, dict):
            raise CheckpointError(f"{path} has no table [{name}]")
        return cls(found, f"[{name}] in {path}")

    def text(self, key: str) -> str:
        """A text that must be there and not be empty."""
        value = self.values.get(key)
        if not isinstance(value, str) or not value or plain_text(value, len(value)) != value:
            raise CheckpointError(f"{self.what}: {key} must be a text")
        return value

    def name(self, path: Path) -> str:
        """The agent's name, which has to do as the name of a folder."""
        name = self.text("name")
        if not re.fullmatch(NAME, name):
            raise CheckpointError(f"{path}: name = {name[:80]!r}, where letters, digits and later . _ - are possible")
        return name

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts that must be there."""
        value = self.values.get(key)
        if (
            not isinstance(value, list)
            or not value
            or not all(isinstance(one, str) and one.isprintable() for one in value)
        ):
            raise CheckpointError(f"{self.what}: {key} must be a list of texts")
        return tuple(value)

    def whole(self, key: str) -> int:
        """A whole number, at least 0, that must be there."""
        value = self.values.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 10**15:
            raise CheckpointError(f"{self.what}: {key} must be a whole number")
        return value

    def real(self, key: str) -> float:
        """A finite number that must be there."""
        return _finite(self.values.get(key), f"{self.what}: {key}")

    def reals(self, key: str, count: int) -> tuple[float, ...]:
        """A list of so many finite numbers that must be there."""
        value = self.values.get(key)
        if not isinstance(value, list) or len(value) != count:
            raise CheckpointError(f"{self.what}: {key} must be a list of {count} numbers")
        return tuple(_finite(one, f"{self.what}: {key}") for one in value)

    def interval(self) -> tuple[float, float]:
        """The two ends of `interval`."""
        low, high = self.reals("interval", 2)
        return low, high


def _finite(value: object, what: str) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        raise CheckpointError(f"{what} must be a finite number")
    return float(value)
