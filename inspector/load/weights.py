"""Tensors out of torch archives and safetensors files of strangers, without running what they hold.

A torch archive is a zip of raw records and one pickle that says how tensors lie in them. Before torch's restricted
unpickler sees it, the pickle is read as a list of opcodes, which runs nothing: only the few that tensors need may
occur. Torch then gets a clean zip made here, never the stranger's, and `weights_only=True`, without any fallback.
"""

import io
import pickle
import pickletools
import re
import zipfile
from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import load as load_safetensors
from torch import Tensor

from inspector.errors import CheckpointError
from inspector.load.safe import guarded, parse_json, plain_text
from inspector.load.zips import open_zip, read_member
from inspector.lrp.signal import all_finite

MAX_PICKLE = 16 * 2**20
"""Bytes of the pickle in a torch archive."""

MAX_HEADER = 8_000_000
"""Bytes of a safetensors header."""

MAX_TENSORS = 20_000
"""Tensors in a file."""

MAX_COPIES = 8
"""Bytes of all tensors to bytes of the file: stable-baselines3 names a shared trunk three times."""

MAX_SHARED = 16
"""Times a pickle may use anew what is no string and no global: a tuple that holds itself twice, forty levels deep,
would take for ever to hash."""

_OPCODES = frozenset(
    re.findall(
        "[A-Z0-9_]+",
        "PROTO STOP GLOBAL REDUCE BUILD APPEND APPENDS SETITEM SETITEMS MARK TUPLE TUPLE1 TUPLE2 TUPLE3 NONE NEWFALSE "
        "NEWTRUE EMPTY_TUPLE EMPTY_LIST EMPTY_DICT BININT BININT1 BININT2 BINFLOAT BINUNICODE SHORT_BINSTRING "
        "BINPERSID BINGET LONG_BINGET BINPUT LONG_BINPUT LONG1",
    )
)

_TYPES = frozenset(
    {torch.float16, torch.bfloat16, torch.float32, torch.float64}
    | {torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool}
)

_STORAGES = frozenset(
    f"torch {kind}Storage"
    for kind in ("Float", "Half", "BFloat16", "Double", "Long", "Int", "Short", "Char", "Byte", "Bool")
)

_GLOBALS = _STORAGES | {
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
    "torch Size",
    "torch device",
}


def read_safetensors(content: bytes, what: str) -> dict[str, Tensor]:
    """Read the tensors of a safetensors file.

    Raises:
        CheckpointError: If it is damaged, too large in its header, or its tensors are not acceptable.
    """
    size = int.from_bytes(content[:8], "little")
    if size > MAX_HEADER:
        raise CheckpointError(f"{what} has a header of {size:,} bytes: at most {MAX_HEADER:,} are read")
    header = parse_json(content[8 : 8 + size], f"the header of {what}")
    if not isinstance(header, dict) or len(header) > MAX_TENSORS + 1:
        raise CheckpointError(f"{what} has no header that lists at most {MAX_TENSORS:,} tensors")
    with guarded(what):
        tensors = load_safetensors(content)
    return check_tensors(tensors, what, len(content))


def read_torch(content: bytes, what: str) -> object:
    """Read what `torch.save` wrote: tensors, numbers and texts in dictionaries and lists.

    Raises:
        CheckpointError: If it is damaged, hostile, or holds objects beside these.
    """
    with open_zip(content, what) as archive:
        records = _read_records(archive, what)
    _check_pickle(records["data.pkl"], what)
    with guarded(what):
        try:
            loaded: object = torch.load(_pack(records), map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:  # its own text advises to load without the guard
            raise CheckpointError(f"{what} has a pickle that builds no tensors: damaged or hostile") from error
        # An OrderedDict may carry attributes that shadow its methods; plain dictionaries do not.
        return _plain(loaded)


def _read_records(archive: zipfile.ZipFile, what: str) -> dict[str, bytes]:
    """Records of a torch archive by their names below its one folder: `data.pkl`, `data/0` ..."""
    members = archive.infolist()
    names = [member.filename.partition("/")[2] for member in members]
    if "constants.pkl" in names or any(name.startswith("code/") for name in names):
        raise CheckpointError(f"{what} is a TorchScript program, which is code: save its state_dict() instead")
    if "data.pkl" not in names:
        raise CheckpointError(
            f"{what} is a zip, but neither of stable-baselines3 (data, policy.pth) nor of torch.save: it holds "
            + (", ".join(plain_text(member.filename, 40) for member in members[:4]) or "nothing")
        )
    if len(set(names)) < len(names) or any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise CheckpointError(f"{what} has records that are packed or of one name, as torch.save never writes them")
    kept = {n: m.filename for n, m in zip(names, members, strict=True) if n == "data.pkl" or n.startswith("data/")}
    records = {name: read_member(archive, full, what) for name, full in kept.items()}
    if "byteorder" in names and read_member(archive, members[names.index("byteorder")].filename, what) != b"little":
        raise CheckpointError(f"{what} was saved on a big-endian machine, which is not supported")
    return records


def _check_pickle(content: bytes, what: str) -> None:
    """Read the pickle as opcodes; refuse all that a dictionary of tensors does not need."""
    if len(content) > MAX_PICKLE:
        raise CheckpointError(f"{what} has a pickle of {len(content):,} bytes: at most {MAX_PICKLE:,} are read")
    plain: set[object] = set()
    shared, previous = 0, ""
    with guarded(what):
        for opcode, argument, _ in pickletools.genops(content):
            name = opcode.name
            if name == "GLOBAL" and argument not in _GLOBALS:
                raise CheckpointError(_refuse_global(str(argument), what))
            if name not in _OPCODES:
                raise CheckpointError(f"{what} holds a pickled object beside tensors ({name}): save only a state_dict")
            if name in ("BINPUT", "LONG_BINPUT"):
                (plain.add if previous in ("GLOBAL", "BINUNICODE") else plain.discard)(argument)
            shared += name in ("BINGET", "LONG_BINGET") and argument not in plain
            if shared > MAX_SHARED:
                raise CheckpointError(f"{what} has a pickle that refers to itself too often: hostile")
            previous = name


def _refuse_global(name: str, what: str) -> str:
    dotted = plain_text(name, 80).replace(" ", ".")
    return (
        f"{what} holds a pickled {dotted}, which is not opened, for it could run code: "
        "save the weights alone with torch.save(network.state_dict(), path)"
    )


def _pack(records: Mapping[str, bytes]) -> io.BytesIO:
    """A clean archive of these records for torch to read."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in {**records, "version": b"3\n", "byteorder": b"little"}.items():
            archive.writestr(f"archive/{name}", content)
    packed.seek(0)
    return packed


def _plain(value: Any) -> object:
    """The value with every dictionary in it a plain one; lists stay as they are, for no weights lie in them."""
    return {key: _plain(item) for key, item in dict.items(value)} if isinstance(value, dict) else value


def check_tensors(tensors: Mapping[Any, object], what: str, size: float) -> dict[str, Tensor]:
    """Accept weights: named, dense, on the CPU, no larger than their storage, and finite.

    Args:
        tensors: What a file was found to hold.
        what: Its name, for error messages.
        size: Bytes of the file; shared tensors may add up to some times as much, no more.

    Raises:
        CheckpointError: Naming the first that is not acceptable.
    """
    if not tensors or len(tensors) > MAX_TENSORS:
        raise CheckpointError(f"{what} holds {len(tensors):,} tensors: between 1 and {MAX_TENSORS:,} are read")
    accepted: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise CheckpointError(f"{what} holds {str(name)[:80]!r}, which is no tensor: save only a state_dict")
        fault = _fault(tensor)
        size -= tensor.numel() * tensor.element_size() / MAX_COPIES
        if fault or size < 0:
            fault = fault or "together with the others claims far more than the file stores: hostile"
            raise CheckpointError(f"{what} holds {name[:80]!r}, a tensor that {fault}")
        accepted[name] = tensor.detach()
    return accepted


def _fault(tensor: Tensor) -> str | None:
    if tensor.dtype not in _TYPES:
        return f"has the type {tensor.dtype}; only float16, bfloat16, float32, float64 and integers are read"
    if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
        return "is sparse, quantised or not in memory; only plain ones are read"
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        return f"claims the shape {tuple(tensor.shape)} but stores less: hostile"
    if not all_finite(tensor):
        return "has values that are NaN or infinite: the training diverged, take an earlier checkpoint"
    return None
