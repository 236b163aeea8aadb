"""Which class is meant by a word on the command line."""

import difflib
from collections.abc import Sequence

from inspector.errors import UsageError

WHOLE, EACH = "score", "each"
"""Targets: the class that the whole video is recognised as, and each window's own."""


def resolve_class(target: str, class_names: Sequence[str]) -> int | None:
    """Number of the class that a target names; None for a target that follows what is recognised.

    Raises:
        UsageError: If it is neither.
    """
    if target in (WHOLE, EACH):
        return None
    folded = [name.casefold() for name in class_names]
    if target.casefold() in folded:
        return folded.index(target.casefold())
    if target.isdecimal() and int(target) < len(class_names):
        return int(target)
    near = difflib.get_close_matches(target.casefold(), folded, n=3, cutoff=0.5)
    meant = f"did you mean {' or '.join(class_names[folded.index(name)] for name in near)}? " if near else ""
    raise UsageError(
        f"no target {target!r}: {meant}there are {WHOLE} (the class that the whole video is recognised as), {EACH} "
        f"(each window's own), and {len(class_names)} classes by name or number, 0 to {len(class_names) - 1}"
    )
