"""From what a person names to an agent: find it, tell its format, hand it to the reader of that format."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from inspector.agent import Agent
from inspector.arguments import TORCHVISION
from inspector.errors import CheckpointError, UsageError
from inspector.load.bundle import Bundle, bundle_folders, choose, no_player, read_bundle, read_manifest
from inspector.load.clip_run import find_clip_run
from inspector.load.draft import Draft, Request
from inspector.load.factory import digest, is_factory, read_factory
from inspector.load.safe import StoredFile, identify, plain_text, read_file
from inspector.load.sb3 import read_sb3
from inspector.load.state_dict import read_state_dict
from inspector.load.weights import read_safetensors, read_torch
from inspector.load.zips import open_zip
from inspector.records import Checkpoint


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """An agent with what `describe` tells beside it.

    Attributes:
        agent: Ready to play.
        warnings: Where the file contradicts its own weights.
        checkpoints: Of the same training run, ordered by frames.
        bundle: Its bundle, if it comes from one.
    """

    agent: Agent
    warnings: tuple[str, ...]
    checkpoints: tuple[Checkpoint, ...]
    bundle: Bundle | None


def load_agent(
    source: str | Path,
    *,
    checkpoint: int | str = "last",
    environment: str | None = None,
    architecture: str | None = None,
    output: str | None = None,
    preprocessing: Mapping[str, object] | None = None,
    factory: str | None = None,
    device: str = "cpu",
) -> Agent:
    """Open an agent. No code out of a file runs; the network is rebuilt from the shapes of its weights.

    Args:
        source: Name of a bundle that comes with the inspector; folder of a bundle; file of stable-baselines3 (`.zip`),
            CleanRL (`.cleanrl_model`) or of weights alone (`.pt`, `.pth`, `.safetensors`); or `module:function`, which
            imports the user's own code and calls it for a network.
        checkpoint: Of a bundle: emulator frames trained, or `first`, `last`, `best` (highest mean return).
        environment: Environment id, where the file does not say or says otherwise.
        architecture: `nature` or `nips`, to hold the weights against.
        output: `logits` or `q_values`, where the file does not say.
        preprocessing: Fields of `inspector.records.Preprocessing` that the file does not say or says wrongly.
        factory: `module:function` for the network whose weights `source` holds.
        device: Where the network is to lie.

    Returns:
        The agent. `agent.facts.assumed` lists every choice that neither file nor caller made.

    Raises:
        CheckpointError: If the source is no agent, hostile, damaged, not supported, or does not fit itself.
        UsageError: If an argument makes no sense or contradicts the weights, or one that is needed is missing.
    """
    request = Request(environment, architecture, output, preprocessing or {}, device)
    return open_agent(source, checkpoint, factory, request).agent


def list_checkpoints(source: str | Path) -> tuple[Checkpoint, ...]:
    """Checkpoints of a bundle, ordered by frames; of a single file, that one.

    Raises:
        CheckpointError: As `load_agent`.
        UsageError: Likewise.
    """
    place = find(source)
    if isinstance(place, Path) and place.is_dir():
        return read_manifest(place).checkpoints
    return open_agent(source, "last", None, Request()).checkpoints


def open_agent(source: str | Path, checkpoint: int | str, factory: str | None, request: Request) -> Opened:
    """As `load_agent`, with what `describe` tells beside the agent."""
    _check(request)
    place = find(source)
    if isinstance(place, str):
        if place.startswith(TORCHVISION):
            raise no_player(place)
        draft = read_factory(place, None, request)
        return _opened(draft, place.replace(":", "."), Checkpoint(place, digest(draft.network)), checkpoint, request)
    if place.is_dir():
        if find_clip_run(place) is not None:
            raise no_player(str(place))
        return _open_bundle(read_manifest(place), checkpoint, request)
    file = read_file(place)
    draft = read_factory(factory, file, request) if factory else _read(file, request)
    return _opened(draft, place.stem, Checkpoint(str(place), file.sha256), checkpoint, request)


def _check(request: Request) -> None:
    if request.output not in (None, "logits", "q_values"):
        raise UsageError(
            f"output {request.output!r} is unknown: --output-kind (output= in Python) is logits or q_values"
        )
    if request.architecture not in (None, "nature", "nips"):
        raise UsageError(f"architecture {request.architecture!r} is unknown: --architecture is nature or nips")


def find(source: str | Path) -> Path | str:
    """Path of what is meant, or the factory's own text.

    Raises:
        CheckpointError: If there is nothing; the message lists the bundles and near matches.
    """
    found = seek(source)
    if found is not None:
        return found
    bundles = bundle_folders()
    near = difflib.get_close_matches(str(source), bundles, n=2, cutoff=0.65)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    raise CheckpointError(
        f"there is no agent {plain_text(source, 120)!r}: {meant}name a file, a folder with an agent.toml, "
        f"or a bundled agent ({', '.join(bundles) or 'there is none'})"
    )


def seek(source: str | Path) -> Path | str | None:
    """As `find`, but None if there is nothing.

    Raises:
        CheckpointError: If it can be no path at all.
    """
    bundles = bundle_folders()
    if isinstance(source, str) and source in bundles:
        return bundles[source]
    path = Path(source)
    try:
        if path.exists():
            return path
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{plain_text(source, 80)!r} is no path: {error}") from error
    return str(source) if is_factory(str(source)) else None


def _read(file: StoredFile, request: Request) -> Draft:
    what = str(file.path)
    if identify(file) == "safetensors":
        return read_state_dict(read_safetensors(file.content, what), request, what, len(file.content))
    with open_zip(file.content, what) as archive:
        names = set(archive.namelist())
    if {"data", "policy.pth"} <= names:
        return read_sb3(file, request)
    if "data" in names and {"parameters", "parameter_list"} & names:
        raise CheckpointError(f"{what} is of stable-baselines 2 (TensorFlow), which is not supported; version 3 is")
    return read_state_dict(read_torch(file.content, what), request, what, len(file.content))


def _open_bundle(bundle: Bundle, checkpoint: int | str, request: Request) -> Opened:
    chosen = choose(bundle.checkpoints, checkpoint, bundle.name)
    draft = read_bundle(bundle, chosen, request)
    agent = draft.finish(bundle.name, chosen, request)
    return Opened(agent, tuple(draft.warnings), bundle.checkpoints, bundle)


def _opened(draft: Draft, name: str, found: Checkpoint, wanted: int | str, request: Request) -> Opened:
    """An agent of a single file: whichever checkpoint is wanted, there is only this."""
    agent = draft.finish(name, found, request)
    only = (agent.facts.checkpoint,)
    if wanted not in ("first", "last", "best"):
        choose(only, wanted, name)
    return Opened(agent, tuple(draft.warnings), only, None)
