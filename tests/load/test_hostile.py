"""Hostile and damaged files: nothing of them runs, bombs are refused at once, and every failure is one clear line."""

import base64
import copy
import io
import os
import pickle
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from inspector.errors import CheckpointError
from inspector.load import load_agent
from tests.load.files import OwnLayout, saved, torch_archive
from tests.load.test_sb3 import rewrite, train
from tests.load.trap import nothing_runs


class Touch:
    """An object whose unpickling makes a file."""

    def __init__(self, path: Path):
        """Remember the file."""
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        """What a pickle does when it is opened."""
        return os.system, (f"touch {self.path}",)


@pytest.fixture(scope="module")
def ppo_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PPO agent; loaded once, so that the trap sees no first imports."""
    path = tmp_path_factory.mktemp("sb3") / "ppo.zip"
    train("PPO", path)
    load_agent(path)
    with pytest.raises(CheckpointError):
        load_agent(write(path.with_name("bad.pt"), torch_archive(b"\x80\x02N.")))
    return path


def write(path: Path, content: bytes) -> Path:
    """Write a file."""
    path.write_bytes(content)
    return path


@contextmanager
def at_once() -> Iterator[None]:
    """Fail if the block takes a second of work."""
    start = time.process_time()
    yield
    assert time.process_time() - start < 1.0


def refused(path: Path, message: str) -> str:
    """Load under the trap; the file must be refused in one printable line, at once."""
    with at_once(), nothing_runs(), pytest.raises(CheckpointError, match=message) as caught:
        load_agent(path)
    assert str(caught.value).isprintable()
    assert "weights_only" not in str(caught.value)
    return str(caught.value)


def test_a_pickle_in_the_data_of_a_zip_is_never_opened(ppo_zip: Path, tmp_path: Path) -> None:
    from stable_baselines3 import PPO

    touched = tmp_path / "touched"
    payload = base64.b64encode(pickle.dumps(Touch(touched))).decode()

    def plant(data: dict[str, Any]) -> None:
        data["lr_schedule"][":serialized:"] = payload

    path = rewrite(ppo_zip, tmp_path / "evil.zip", plant)
    with nothing_runs():
        agent = load_agent(path)
    assert agent.action_count == load_agent(ppo_zip).action_count
    assert not touched.exists()
    # The payload is live: the library itself would have run it.
    PPO.load(path, device="cpu")
    assert touched.exists()


@pytest.mark.parametrize("place", ["beside", "within"])
def test_a_pickle_with_code_in_a_pt_file_is_refused_and_not_run(ppo_zip: Path, tmp_path: Path, place: str) -> None:
    touched = tmp_path / "touched"
    value = {"conv1.weight": torch.ones(2), "extra": Touch(touched)}
    path = write(tmp_path / "evil.pt", saved(value if place == "beside" else {"model": value}))
    refused(path, r"holds a pickled posix\.system, which is not opened, for it could run code: save the weights alone")
    assert not touched.exists()
    torch.load(path, weights_only=False)
    assert touched.exists()


def test_a_pickle_with_code_in_policy_pth_is_refused_and_not_run(ppo_zip: Path, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    refused(rewrite(ppo_zip, tmp_path / "evil.zip", lambda data: None, saved(Touch(touched))), r"posix\.system")
    assert not touched.exists()


@pytest.mark.parametrize("variable", ["0", "1"])
def test_the_switch_that_turns_torchs_guard_off_changes_nothing(
    ppo_zip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", variable)
    refused(write(tmp_path / "evil.pt", saved({"x": Touch(tmp_path / "touched")})), r"posix\.system")
    assert not (tmp_path / "touched").exists()


def bomb_zip(path: Path, name: str) -> Path:
    """A zip of stable-baselines3's members, one of which is 1 MB of deflated zeros that expand to 1 GiB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(2**24)) + packer.flush(zlib.Z_FULL_FLUSH)
    with zipfile.ZipFile(path, "w") as archive:
        for member in {"data", "policy.pth"} - {name}:
            archive.writestr(member, b"{}")
        archive.writestr(name, block * 64 + packer.flush())
        info = archive.getinfo(name)
        info.compress_type, info.file_size = zipfile.ZIP_DEFLATED, 2**30
    return path


@pytest.mark.parametrize("name", ["data", "policy.pth", "archive/data.pkl"])
def test_a_zip_bomb_is_refused_at_once(ppo_zip: Path, tmp_path: Path, name: str) -> None:
    path = bomb_zip(tmp_path / "bomb.zip", name)
    with zipfile.ZipFile(path) as archive, archive.open(name) as member:
        assert member.read(2**26) == bytes(2**26)
    assert path.stat().st_size < 1.2 * 2**20
    refused(path, "expands .* to 1,073,741,824: a zip bomb")


def test_a_member_that_lies_about_its_size_is_refused(ppo_zip: Path, tmp_path: Path) -> None:
    content = bomb_zip(tmp_path / "bomb.zip", "data").read_bytes()
    entry = content.rindex(b"PK\x01\x02")
    assert struct.unpack_from("<I", content, entry + 24) == (2**30,)
    lying = content[: entry + 24] + struct.pack("<I", 100) + content[entry + 28 :]
    refused(write(tmp_path / "lying.zip", lying), "data in .* is damaged or hostile")


def overlapping(path: Path) -> Path:
    """A zip of 100 members that all lie in the same bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data", bytes(10_000))
        for number in range(100):
            twin = copy.copy(archive.filelist[0])
            twin.filename = twin.orig_filename = f"data{number}"
            archive.filelist.append(twin)
    return path


def test_members_that_overlap_are_refused(ppo_zip: Path, tmp_path: Path) -> None:
    refused(overlapping(tmp_path / "overlap.zip"), "members that overlap: a zip bomb")


def test_a_directory_of_too_many_members_is_refused_before_it_is_parsed(ppo_zip: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(5000):
            archive.writestr(str(number), b"")
    refused(tmp_path / "many.zip", "more than 2048 members")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("data", "policy.pth", "../../evil"), "points outside of it"),
        (("data", "policy.pth", "/etc/passwd"), "points outside of it"),
        (("data", "policy.pth", "a\\..\\b"), "points outside of it"),
        (("data", "policy.pth", "data"), "two members of one name"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_with_improper_names_are_refused(
    ppo_zip: Path, tmp_path: Path, names: tuple[str, ...], message: str
) -> None:
    with zipfile.ZipFile(tmp_path / "names.zip", "w") as archive:
        for name in names:
            archive.writestr(name, b"{}")
    refused(tmp_path / "names.zip", message)


def test_an_unusual_packing_is_refused(ppo_zip: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "lzma.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("data", b"{}")
        archive.writestr("policy.pth", b"{}")
    refused(tmp_path / "lzma.zip", "packed in an unusual way")


def test_packed_records_in_a_torch_archive_are_refused(ppo_zip: Path, tmp_path: Path) -> None:
    content = torch_archive(b"\x80\x02}.", {"0": bytes(1000)}, zipfile.ZIP_DEFLATED)
    refused(write(tmp_path / "packed.pt", content), "records that are packed")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"[" * 100_000, "RecursionError"),
        (b"[" + b"0," * 3_000_000 + b"0]", "3,000,001 items: too large"),
        (b"9" * 10_000, "ValueError"),
        (b'{"a": \xff}', "UnicodeDecodeError"),
        ('{"a": 1}'.encode("utf-16-le"), "JSONDecodeError"),
        (b'{"a": ', "JSONDecodeError"),
    ],
)
def test_hostile_json_is_refused(ppo_zip: Path, tmp_path: Path, text: bytes, message: str) -> None:
    with zipfile.ZipFile(ppo_zip) as old, zipfile.ZipFile(tmp_path / "json.zip", "w") as new:
        new.writestr("data", text)
        new.writestr("policy.pth", old.read("policy.pth"))
    refused(tmp_path / "json.zip", message)


@pytest.mark.parametrize("text", [b"[]", b"3", b"null", b'{"observation_space": [1], "policy_kwargs": "x"}'])
def test_json_of_another_shape_only_loses_its_hints(ppo_zip: Path, tmp_path: Path, text: bytes) -> None:
    with zipfile.ZipFile(ppo_zip) as old, zipfile.ZipFile(tmp_path / "json.zip", "w") as new:
        new.writestr("data", text)
        new.writestr("policy.pth", old.read("policy.pth"))
    assert load_agent(tmp_path / "json.zip").facts.algorithm is None


EMPTY = b'{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'


def safetensors_with(header: bytes) -> bytes:
    """A safetensors file with a header of one's own, and no tensors after it."""
    return struct.pack("<Q", len(header)) + header


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (lambda: b"{" + b" " * 89_000_000 + b"}", "header of 89,000,002 bytes: at most 8,000,000"),
        (lambda: b"{" + b",".join(b'"%d":' % n + EMPTY for n in range(25_000)) + b"}", "at most 20,000 tensors"),
        (lambda: b'{"a":{"dtype":"F32","shape":[1000000],"data_offsets":[0,4000000]}}', "SafetensorError"),
        (lambda: b'{"a":' * 20_000, "RecursionError"),
        (lambda: b"{}", "holds 0 tensors"),
    ],
    ids=["huge", "many", "lying", "deep", "none"],
)
def test_hostile_safetensors_are_refused_at_once(
    ppo_zip: Path, tmp_path: Path, header: Callable[[], bytes], message: str
) -> None:
    refused(write(tmp_path / "bad.safetensors", safetensors_with(header())), message)


def hash_bomb() -> bytes:
    """A pickle of a tuple that holds itself twice, sixty levels deep, as the key of a dictionary."""
    levels = b"".join(b"q%ch%c\x86" % (number, number) for number in range(60))
    return b"\x80\x02})" + levels + b"K\x01s."


def walk_bomb() -> bytes:
    """A pickle of a dictionary that holds the one below it twice, sixty levels deep."""
    levels = b"".join(b"q%c}X\x01\0\0\0ah%csX\x01\0\0\0bh%cs" % (n, n, n) for n in range(60))
    return b"\x80\x02}" + levels + b"."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (hash_bomb(), "refers to itself too often"),
        (walk_bomb(), "refers to itself too often"),
        (b"\x80\x02cbuiltins\nbytearray\nM\xff\xff\x85R.", r"builtins\.bytearray"),
        (b"\x80\x02ctorch._utils\n_rebuild_sparse_tensor\n.", r"torch\._utils\._rebuild_sparse_tensor"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "SHORT_BINUNICODE"),
        (b"\x80\x02(ios\nsystem\n.", "INST"),
        (b"\x80\x02}q\x00X\x01\0\0\0ah\x00s.", "no state_dict|RecursionError"),
        (b"\x80\x02])R.", "builds no tensors"),
        (b"\x80\x02]" * 5, "damaged or hostile"),
        (b"", "damaged or hostile"),
        (b"\x80\x02N.", "no state_dict"),
    ],
    ids=["hash", "walk", "bytearray", "sparse", "stack global", "inst", "loop", "call", "no end", "empty", "none"],
)
def test_hostile_pickles_are_refused_at_once(ppo_zip: Path, tmp_path: Path, content: bytes, message: str) -> None:
    refused(write(tmp_path / "bad.pt", torch_archive(content)), message)


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (torch.zeros(1).as_strided((2**20, 2**20), (0, 0)), r"claims the shape \(1048576, 1048576\) but stores less"),
        (torch.tensor([float("nan")]), "NaN or infinite"),
        (torch.tensor([float("inf")], dtype=torch.float16), "NaN or infinite"),
        (torch.eye(3).to_sparse(), r"_rebuild_sparse_tensor|torch\.serialization|Sparse"),
        (torch.ones(2, dtype=torch.complex64), "ComplexFloatStorage"),
    ],
    ids=["giant", "nan", "inf", "sparse", "complex"],
)
def test_tensors_that_are_no_weights_are_refused_at_once(
    ppo_zip: Path, tmp_path: Path, tensor: Tensor, message: str
) -> None:
    path = write(tmp_path / "bad.pt", saved({**OwnLayout().state_dict(), "conv1.weight": tensor}))
    assert path.stat().st_size < 100_000
    refused(path, message)


def test_many_views_of_one_storage_are_refused_at_once(ppo_zip: Path, tmp_path: Path) -> None:
    storage = torch.zeros(250_000)
    refused(
        write(tmp_path / "views.pt", saved({str(number): storage[:] for number in range(3000)})),
        "far more than the file stores",
    )


def test_a_storage_larger_than_its_record_is_refused(ppo_zip: Path, tmp_path: Path) -> None:
    content = saved({"a.weight": torch.arange(4.0)})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        text = archive.read(next(name for name in archive.namelist() if name.endswith("data.pkl")))
        record = archive.read(next(name for name in archive.namelist() if name.endswith("data/0")))
    lying = text.replace(b"K\x04tq\x07QK\x00K\x04\x85", b"M\x00\x04tq\x07QK\x00M\x00\x04\x85")
    assert lying != text
    refused(write(tmp_path / "lying.pt", torch_archive(lying, {"0": record})), "record size")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"Breakout, trained on a Sunday.\n", "a text file; name a stable-baselines3 zip"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "a pointer of git-lfs"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "a gzip"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (pickle.dumps({"a": 1}), "a bare pickle, which could run code"),
        (bytes(range(200, 256)) * 4, "neither a zip nor safetensors"),
        (b"PK\x03\x04 and no more", "damaged or hostile"),
    ],
)
def test_files_that_are_no_agent_are_refused_by_what_they_look_like(
    ppo_zip: Path, tmp_path: Path, content: bytes, message: str
) -> None:
    refused(write(tmp_path / "file.pt", content), message)


def test_files_of_other_programs_are_refused_by_name(ppo_zip: Path, tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    refused(tmp_path / "old.pt", r"saved by torch before 1\.6")
    for names, message in (
        (("m/data.pkl", "m/code/__torch__.py"), "TorchScript program, which is code"),
        (("data", "parameters", "parameter_list"), "stable-baselines 2"),
        (("readme.txt",), "a zip, but neither of .* it holds readme.txt"),
    ):
        with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
            for name in names:
                archive.writestr(name, b"")
        refused(tmp_path / "other.zip", message)


def test_a_place_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no agent"):
        load_agent(tmp_path / "missing.zip")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CheckpointError, match="is no file"):
        load_agent(tmp_path / "pipe")
    with pytest.raises(CheckpointError, match=r"no agent|is no path"):
        load_agent("a\0b")


def test_a_strangers_text_cannot_command_the_terminal(ppo_zip: Path, tmp_path: Path) -> None:
    save_file({"\x1b[2J\nconv.weight": torch.ones(3)}, tmp_path / "escape.safetensors")
    assert "\x1b" not in refused(tmp_path / "escape.safetensors", "conv")
    path = rewrite(ppo_zip, tmp_path / "escape.zip", lambda data: data.update(policy_class={"__init__": "\x1b[2J"}))
    assert all(line.isprintable() for line in load_agent(path).facts.provenance.values())


@pytest.mark.parametrize("kind", ["zip", "pt", "safetensors"])
def test_a_file_cut_off_anywhere_is_refused(ppo_zip: Path, tmp_path: Path, kind: str) -> None:
    whole = tmp_path / f"whole.{kind}"
    if kind == "zip":
        whole.write_bytes(ppo_zip.read_bytes())
    elif kind == "pt":
        torch.save(OwnLayout().state_dict(), whole)
    else:
        save_file(OwnLayout().state_dict(), whole)
    content = whole.read_bytes()
    load_agent(whole)
    for share in (0.0001, 0.01, 0.3, 0.5, 0.9, 0.999):
        refused(write(tmp_path / f"cut.{kind}", content[: int(len(content) * share) + 1]), rf"cut\.{kind}")
    refused(write(tmp_path / f"cut.{kind}", content[:-1]), rf"cut\.{kind}")
