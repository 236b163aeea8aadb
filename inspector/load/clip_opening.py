"""From what a person names to an agent that watches videos."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from inspector.arguments import TORCHVISION
from inspector.clips.agent import ClipAgent
from inspector.errors import UsageError
from inspector.load.bundle import MANIFEST, choose, parse_manifest, watches
from inspector.load.class_names import read_class_names
from inspector.load.clip_bundle import ClipBundle, choose_clips, read_clip_bundle, read_clip_manifest
from inspector.load.clip_factory import read_clip_factory
from inspector.load.clip_recipe import change
from inspector.load.clip_run import find_clip_run, read_clip_run
from inspector.load.opening import find, seek
from inspector.load.torchvision_video import open_torchvision
from inspector.records import ClipCheckpoint


def load_clip_agent(
    source: str | Path,
    *,
    checkpoint: int | str = "last",
    factory: str | None = None,
    weights: str | Path | None = None,
    classes: str | Path | None = None,
    recipe: Mapping[str, object] | None = None,
    device: str = "cpu",
) -> ClipAgent:
    """Open an agent that watches videos. No code out of a file runs.

    Args:
        source: Name or folder of a bundle; folder of a run of `agents/train_clips.py`; `torchvision:NAME`, a video
            network of torchvision's; `module:function`, which imports the user's own code and calls it for one; or a
            file of weights.
        checkpoint: Of a bundle or a run: clips trained, or `first`, `last`, `best` (highest accuracy).
        factory: `torchvision:NAME` or `module:function`, for the network whose weights `source` holds.
        weights: The other way round: the weights of the network that `source` names; None takes torchvision's own, or
            the network as the function returns it.
        classes: A file with the names of the classes, in the order of the scores: a line each, or a JSON list.
        recipe: Fields of `ClipRecipe` that are to be otherwise: `frames`, `resize`, `crop`, `mean`, `std`.
        device: Where the network is to lie.

    Returns:
        The agent. `agent.facts.assumed` lists every choice that neither file nor caller made.

    Raises:
        CheckpointError: If the source is no agent, hostile, damaged, or does not fit itself.
        UsageError: If an argument makes no sense or contradicts the weights, or the agent plays games.
        UnsupportedError: If it is a transformer of torchvision's.
    """
    if factory is not None:
        source, weights = _turned(source, factory, weights)
    agent = _open(source, checkpoint, weights, recipe or {})
    if classes is not None:
        names = read_class_names(Path(classes), len(agent.class_names), agent.facts.checkpoint.path)
        agent = replace(agent, class_names=names)
    try:
        agent.network.to(device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"device {device!r} cannot be used: {str(error).splitlines()[0]}") from error
    return agent


def watches_clips(source: str | Path) -> bool | None:
    """Whether an agent watches videos: True, or False for one that plays, or for what is not there at all.

    None stands for `module:function`, which may be either.

    Raises:
        CheckpointError: If it is a bundle or a run whose description is damaged.
    """
    if str(source).startswith(TORCHVISION):
        return True
    place = seek(source)
    if isinstance(place, str):
        return None
    return place is not None and place.is_dir() and _is_clip_folder(place)


def clip_checkpoints(source: str | Path) -> tuple[ClipCheckpoint, ...]:
    """Checkpoints of a bundle or of a run of `agents/train_clips.py`, ordered by the clips that they were trained on.

    Raises:
        CheckpointError: If it is damaged, or there is none.
        UsageError: If it is another kind of agent, which has no series.
    """
    place = find(source)
    if not isinstance(place, Path) or not place.is_dir() or not _is_clip_folder(place):
        raise UsageError(
            f"{source} is no series of checkpoints that watch videos: name a bundle of such an agent, the folder of a "
            "run of agents/train_clips.py, or files of weights with their network, by --factory"
        )
    return open_clip_folder(place).checkpoints


def open_clip_folder(folder: Path) -> ClipBundle:
    """What a bundle says, or a run as one."""
    run = None if (folder / MANIFEST).is_file() else find_clip_run(folder)
    return read_clip_manifest(folder) if run is None else read_clip_run(run)


def _is_clip_folder(folder: Path) -> bool:
    if (folder / MANIFEST).is_file():
        return watches(parse_manifest(folder), folder / MANIFEST)
    return find_clip_run(folder) is not None


def _turned(source: str | Path, factory: str, weights: str | Path | None) -> tuple[str, Path]:
    """A file of weights and whose they are, as the network and its file."""
    if weights is not None:
        raise UsageError(f"{source} and {weights} cannot both be weights of {factory}: leave out --weights")
    place = find(source)
    if isinstance(place, str) or place.is_dir():
        raise UsageError(f"{source} is no file of weights, which --factory names the network of: leave --factory out")
    return factory, place


def _open(
    source: str | Path, checkpoint: int | str, weights: str | Path | None, told: Mapping[str, object]
) -> ClipAgent:
    name, file = str(source), None if weights is None else Path(weights)
    if name.startswith(TORCHVISION):
        return _only(open_torchvision(name, file, told=told), checkpoint)
    place = find(source)
    if isinstance(place, str):
        return _only(read_clip_factory(place, file, told), checkpoint)
    if place.is_file():
        raise UsageError(
            f"{source} does not say which network it belongs to: name that by --factory MODULE:FUNCTION, or by "
            f"--factory {TORCHVISION}NAME; if it plays games, leave out --video"
        )
    if not place.is_dir() or not _is_clip_folder(place):
        raise UsageError(f"{source} plays games, it watches no videos: leave out --video, or name an agent that does")
    if weights is not None:
        raise UsageError(f"{source} has weights of its own: leave out --weights, or choose one by --checkpoint")
    bundle = open_clip_folder(place)
    agent = read_clip_bundle(bundle, choose_clips(bundle.checkpoints, checkpoint, bundle.name))
    return replace(agent, recipe=change(agent.recipe, told))


def _only(agent: ClipAgent, wanted: int | str) -> ClipAgent:
    """An agent of a single file: whichever checkpoint is wanted, there is only this."""
    if wanted not in ("first", "last", "best"):
        choose((agent.facts.checkpoint,), wanted, agent.facts.name)
    return agent
