"""Names of the classes of a video network, out of a file."""

from collections.abc import Sequence
from pathlib import Path

from inspector.errors import CheckpointError, UsageError
from inspector.load.safe import guarded, parse_json, plain_text, read_file

_MOST_BYTES = 2**22
_LONGEST = 200


def read_class_names(path: Path, count: int, what: str) -> tuple[str, ...]:
    """Read the names of classes in the order of the scores: a line each, or a JSON list of texts.

    Args:
        path: The file.
        count: Number of classes that the network has.
        what: Where that was found, for error messages.

    Raises:
        CheckpointError: If the file cannot be read or holds no names.
        UsageError: If there are more or fewer than classes.
    """
    content = read_file(path, _MOST_BYTES).content
    if content.lstrip().startswith((b"[", b"{")):
        names = parse_json(content, str(path))
    else:
        with guarded(str(path)):
            names = content.decode("utf-8-sig").rstrip().splitlines()
    if not isinstance(names, list):
        raise CheckpointError(f"{path} is JSON, but no list: name the classes in a list, or a line each")
    checked = check_names(names, str(path))
    if len(checked) != count:
        raise UsageError(
            f"{path} names {len(names)} classes, but {what} has {count}: name every class, in the order of the scores"
        )
    return checked


def check_names(names: Sequence[object], what: str) -> tuple[str, ...]:
    """Names that a page and a terminal can show, without space around them.

    Raises:
        CheckpointError: If one is none, or two are the same; `what` is named.
    """
    good: dict[str, int] = {}
    for number, name in enumerate(names):
        if not isinstance(name, str) or not name.strip() or plain_text(name, _LONGEST) != name.strip():
            raise CheckpointError(
                f"{what}: the name of class {number} is {plain_text(name, 40)!r}: give each class a name of its own, "
                f"of 1 to {_LONGEST} letters"
            )
        first = good.setdefault(name.strip(), number)
        if first != number:
            raise CheckpointError(
                f"{what}: classes {first} and {number} are both {name.strip()!r}: give each class a name of its own"
            )
    return tuple(good)


def numbered(count: int) -> tuple[str, ...]:
    """Names of classes that have none."""
    return tuple(f"class {number}" for number in range(count))
