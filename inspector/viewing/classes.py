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
    if target in class_names:
        return list(class_names).index(target)
    same = [number for number, name in enumerate(folded) if name == target.casefold()]
    if len(same) == 1:
        return same[0]
    if same:
        names = " and ".join(f"{class_names[number]} ({number})" for number in same)
        raise UsageError(f"target {target!r} may be {names}: give its name as it is written, or its number")
    if target.isdecimal() and int(target) < len(class_names):
        return int(target)
    near = difflib.get_close_matches(target.casefold(), folded, n=3, cutoff=0.5)
    meant = f"did you mean {' or '.join(class_names[folded.index(name)] for name in near)}? " if near else ""
    raise UsageError(
        f"no target {target!r}: {meant}there are {WHOLE} (the class that the whole video is recognised as), {EACH} "
        f"(each window's own), and {len(class_names)} classes by name or number, 0 to {len(class_names) - 1}"
    )
