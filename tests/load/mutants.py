"""Damaged and hostile variants of good files, endless and repeatable."""

import io
import json
import random
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn

from tests.load.files import OwnLayout, saved
from tests.load.test_cleanrl import C51Network, QNetwork
from tests.load.test_sb3 import train

ODD = [
    b"\0",
    b"\xff",
    b"\x7f",
    b"cos\nsystem\n",
    b"h\x01",
    b"R",
    b"(",
    b"M\xff\xff",
    b"{",
    b"[",
    b'"',
    b"1e999",
    b"-1",
    b"",
]
"""Bytes that mean something to one parser or another."""


def good_files(folder: Path) -> dict[str, bytes]:
    """One small good file of every format."""
    torch.manual_seed(12)
    train("PPO", folder / "ppo.zip", features_extractor_kwargs={"features_dim": 8})
    train("DQN", folder / "dqn.zip", features_extractor_kwargs={"features_dim": 8})
    c51 = {"model_weights": C51Network(5).state_dict(), "args": {"env_id": "PongNoFrameskip-v4", "seed": 1}}
    network: nn.Module = OwnLayout()
    return {
        "ppo.zip": (folder / "ppo.zip").read_bytes(),
        "dqn.zip": (folder / "dqn.zip").read_bytes(),
        "own.pt": saved(network.state_dict()),
        "dqn.cleanrl_model": saved(QNetwork().state_dict()),
        "c51.cleanrl_model": saved(c51),
        "own.safetensors": save(network.state_dict()),
    }


def scratch(content: bytes, chance: random.Random) -> bytes:
    """Change, add or remove some bytes."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        place = chance.randrange(len(changed) or 1)
        length = chance.choice((0, 1, 1, 2, 8))
        changed[place : place + length] = chance.choice([*ODD, bytes([chance.randrange(256)])])
    return bytes(changed)


def cut(content: bytes, chance: random.Random) -> bytes:
    """Cut off the end, or a piece of the middle."""
    first, last = sorted(chance.randrange(len(content) + 1) for _ in range(2))
    return content[:first] + (content[last:] if chance.random() < 0.5 else b"")


def scratch_ends(content: bytes, chance: random.Random) -> bytes:
    """Change bytes in the first or last kilobyte, where the formats keep their tables."""
    if chance.random() < 0.5:
        return scratch(content[:1024], chance) + content[1024:]
    return content[:-1024] + scratch(content[-1024:], chance)


def within(content: bytes, chance: random.Random) -> bytes:
    """Change one member of a zip, or the header of a safetensors file, and keep every checksum right."""
    if not content.startswith(b"PK"):
        (size,) = struct.unpack("<Q", content[:8])
        header = chance.choice((scratch, nest))(content[8 : 8 + size], chance)
        return struct.pack("<Q", len(header)) + header + content[8 + size :]
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w") as new:
        chosen = chance.choice([name for name in old.namelist() if name.endswith(("data", "data.pkl", "policy.pth"))])
        for name in old.namelist():
            member = old.read(name)
            if name == chosen:
                nested = member.startswith(b"PK") and chance.random() < 0.8
                member = within(member, chance) if nested else chance.choice((scratch, cut, nest))(member, chance)
            new.writestr(name, member)
    return changed.getvalue()


def nest(content: bytes, chance: random.Random) -> bytes:
    """Replace a value of a JSON text by one of another kind; other contents are scratched."""
    try:
        value = json.loads(content)
    except ValueError:
        return scratch(content, chance)
    place = value
    while isinstance(place, dict) and place:
        key = chance.choice(list(place))
        if not isinstance(place[key], dict) or not place[key] or chance.random() < 0.3:
            place[key] = chance.choice(
                [None, -1, 2**70, "", "F64", [], [[0]], {}, [2**40, 2**40], 1e300, True, "x" * 999]
            )
            break
        place = place[key]
    return json.dumps(value).encode()


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (scratch, cut, scratch_ends, within, within, within)


def mutants(files: dict[str, bytes], seed: int) -> Iterator[tuple[str, bytes]]:
    """Variants without end: the name of the good file, and the bad content."""
    chance = random.Random(seed)
    names = sorted(files)
    while True:
        name = chance.choice(names)
        yield name, chance.choice(MUTATIONS)(files[name], chance)
