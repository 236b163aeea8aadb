"""Files of strangers: read once, under caps, with every failure a `CheckpointError`. No code of a file ever runs.

The caps stop bombs before they cost time or memory; `zips` and `weights` use them.
"""

import hashlib
import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from inspector.errors import CheckpointError, InspectorError

MAX_FILE = 2 * 2**30
"""Bytes of a file, and of all that a zip expands to."""

MAX_JSON = 64 * 2**20
"""Bytes of a JSON text."""

MAX_JSON_ITEMS = 2_000_000
"""Lists, objects and commas in a JSON text: each costs far more memory than its one byte."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredFile:
    """A file, read once, so that what was checked is what is used.

    Attributes:
        path: Where it lies.
        content: Its bytes.
        sha256: Digest of these bytes, hexadecimal.
    """

    path: Path
    content: bytes
    sha256: str


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """Turn whatever a parser raises on hostile bytes into a `CheckpointError` of one line that names `what`.

    Catching every `Exception` is meant: a parser fed with garbage may raise anything. So only calls of parsers
    stand under this guard, never logic of our own.
    """
    try:
        yield
    except InspectorError:
        raise
    except Exception as error:
        raise CheckpointError(f"{what} is damaged or hostile: {type(error).__name__}: {plain_text(error)}") from error


def plain_text(value: object, limit: int = 200) -> str:
    """A stranger's text as one short line that a terminal prints and does not obey."""
    text = str(value)[: 2 * limit].strip()
    return "".join(mark if mark.isprintable() else " " for mark in text)[:limit]


def read_file(path: Path, limit: int = MAX_FILE) -> StoredFile:
    """Read a regular file of at most `limit` bytes.

    Raises:
        CheckpointError: If there is none, it cannot be read, it is empty, or it is larger.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise CheckpointError(f"{path} is no file: name a file of weights or the folder of a bundle")
        with path.open("rb") as file:
            content = file.read(min(path.stat().st_size, limit) + 1)
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no file {path}: check its path") from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    if len(content) > limit:
        raise CheckpointError(f"{path} is larger than {limit:,} bytes, the most that is read")
    if not content:
        raise CheckpointError(f"{path} is empty: download or save it again")
    return StoredFile(path, content, hashlib.sha256(content).hexdigest())


def parse_json(content: bytes, what: str) -> object:
    """Parse a JSON text under caps on its bytes and its items.

    Raises:
        CheckpointError: If it is too large or no JSON.
    """
    items = sum(content.count(mark) for mark in (b"[", b"{", b","))
    if len(content) > MAX_JSON or items > MAX_JSON_ITEMS:
        raise CheckpointError(f"{what} is a JSON text of {len(content):,} bytes and {items:,} items: too large to read")
    with guarded(what):
        parsed: object = json.loads(content.decode("utf-8"))
    return parsed


def identify(file: StoredFile) -> str:
    """Tell by its bytes what a file is: `zip`, `safetensors`, or refuse it by name.

    Raises:
        CheckpointError: If it is neither; the message says what it looks like.
    """
    content = file.content
    if content.startswith(b"PK\x03\x04"):
        return "zip"
    if content[8:9] == b"{" and int.from_bytes(content[:8], "little") <= len(content):
        return "safetensors"
    raise CheckpointError(f"{file.path} is no agent: {_looks_like(file)}")


_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (
        b"\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19",
        "saved by torch before 1.6: load it and torch.save it anew",
    ),
    (b"\x80", "a bare pickle, which could run code, so it is not opened: save its state_dict with torch.save"),
    (b"\x1f\x8b", "a gzip: unpack it first"),
    (b"\x89HDF", "an HDF5 file, as Keras writes it; Keras agents are not supported"),
    (b"version https://git-lfs", "a pointer of git-lfs in place of the file: fetch it with git lfs pull"),
    (b"<", "a web page in place of the file: download it anew"),
)


def _looks_like(file: StoredFile) -> str:
    for start, text in _SIGNATURES:
        if file.content.startswith(start):
            return text
    if file.path.suffix == ".cleanrl_model":
        return "a CleanRL model of the JAX scripts (flax); only those of the torch scripts are supported"
    if b"\0" not in file.content[:4096] and file.content[:4096].isascii():
        return (
            "a text file; name a stable-baselines3 zip, a .cleanrl_model, .pt, .pth or .safetensors file, or a bundle"
        )
    return "neither a zip nor safetensors, or it is cut off: download or save it again"
