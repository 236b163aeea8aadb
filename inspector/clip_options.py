"""Options of commands that show videos to a classifier, and what is read from them."""

import argparse
from argparse import Namespace
from pathlib import Path
from typing import Any

from inspector.arguments import TORCHVISION, colours, composite, count, size, strides, whole
from inspector.errors import UsageError


def add_video(parser: argparse.ArgumentParser) -> None:
    """Which videos a classifier is shown, and how."""
    video = parser.add_argument_group("videos, for an agent that watches them")
    video.add_argument(
        "--video", metavar="FILE", type=Path, nargs="+", action="extend", help="videos to go through, one after another"
    )
    video.add_argument("--stride", metavar="N", type=count, help="take every Nth frame: N times as fast (default 1)")
    video.add_argument(
        "--step", metavar="N", type=count, help="frames from one window to the next (default: half of one)"
    )


def add_tracked(parser: argparse.ArgumentParser) -> None:
    """Which videos classifiers are tracked on, and how clips are made for them."""
    video = parser.add_argument_group("videos, for agents that watch them")
    video.add_argument(
        "--video",
        metavar="PATH",
        type=Path,
        nargs="+",
        action="extend",
        help="videos: files, or folders with a subfolder a class",
    )
    video.add_argument("--stride", metavar="N", type=count, help="take every Nth frame: N times as fast (default 1)")
    video.add_argument("--classes", metavar="FILE", type=Path, help="names of the classes: a line each, or a JSON list")
    add_recipe(video)


def add_clip_facts(parser: argparse.ArgumentParser) -> None:
    """What a bare video network cannot say of itself."""
    facts = parser.add_argument_group("when the agent watches videos")
    facts.add_argument("--weights", metavar="FILE", type=Path, help="weights of torchvision:NAME or MODULE:FUNCTION")
    facts.add_argument("--classes", metavar="FILE", type=Path, help="names of the classes: a line each, or a JSON list")
    add_recipe(facts)


def add_recipe(facts: argparse._ArgumentGroup) -> None:
    """How clips are made for a bare video network."""
    facts.add_argument("--window", metavar="N", type=count, help="frames of a clip (default: the agent's own)")
    facts.add_argument("--resize", metavar="HxW", type=size, help="rows and columns that frames are brought to")
    facts.add_argument("--crop", metavar="HxW", type=size, help="rows and columns that are cut out of their middle")
    facts.add_argument("--mean", metavar="R,G,B", type=colours, help="taken off pixels from 0 to 1")
    facts.add_argument("--std", metavar="R,G,B", type=colours, help="that they are then divided by")


def add_profile(parser: argparse.ArgumentParser) -> None:
    """Labelled videos to profile a classifier on, and how."""
    parser.add_argument("agent", metavar="AGENT", help="a bundle, a folder, torchvision:NAME, or MODULE:FUNCTION")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="videos: a subfolder for each class")
    parser.add_argument(
        "--checkpoint", metavar="WHICH", default="last", help="clips trained, or first, best, last (default)"
    )
    parser.add_argument(
        "--strides",
        metavar="N,N",
        type=strides,
        default=(1, 2, 3, 4),
        help="take every Nth frame: N times as fast (default 1,2,3,4)",
    )
    parser.add_argument("--factory", metavar="MOD:FUNC", help="network of AGENT's weights, or torchvision:NAME")
    explain = parser.add_argument_group("explanation")
    explain.add_argument(
        "--target",
        choices=("recognised", "true"),
        default="recognised",
        help="whose score is explained (default: the recognised class)",
    )
    explain.add_argument(
        "--composite",
        metavar="NAME|FILE",
        type=composite,
        default="epsilon_plus",
        help="rules that explain (default epsilon_plus)",
    )
    explain.add_argument(
        "--random-networks",
        metavar="N",
        type=count,
        default=20,
        help="networks with random weights beside it (default 20)",
    )
    explain.add_argument("--device", metavar="NAME", default="cpu", help="cpu (default), cuda, cuda:1, mps ...")
    work = parser.add_argument_group("work")
    work.add_argument("--jobs", metavar="N", type=count, help="processes (default: one a core)")
    work.add_argument("--seed", metavar="S", type=whole, default=0, help="of the random weights (default 0)")
    work.add_argument("-o", "--output", metavar="DIR", type=Path, help="folder (default: a new one in recordings/)")
    work.add_argument("--resume", action="store_true", help="go on with a folder, or add to it; repeats nothing")


def source(arguments: Namespace) -> dict[str, Any]:
    """What `load_clip_agent` takes: the agent, and what the user says of it."""
    return {
        "source": arguments.agent,
        "checkpoint": arguments.checkpoint,
        "factory": arguments.factory,
        "weights": arguments.weights,
        "classes": arguments.classes,
        "recipe": recipe_of(arguments),
    }


def recipe_of(arguments: Namespace) -> dict[str, Any]:
    """What the user says of how clips are made: fields of `ClipRecipe`."""
    names = {"frames": "window", "resize": "resize", "crop": "crop", "mean": "mean", "std": "std"}
    told = {field: getattr(arguments, name) for field, name in names.items()}
    return {field: value for field, value in told.items() if value is not None}


def may_watch(arguments: Namespace) -> bool:
    """Whether the network that `--factory` names is one that watches videos, by all that is said of it."""
    factory: str = arguments.factory or ""
    return factory.startswith(TORCHVISION) or bool(factory and tells_of_clips(arguments))


def tells_of_clips(arguments: Namespace) -> str | None:
    """The first thing said that only agents have that watch videos; None if there is none."""
    names = ("stride", "step", "weights", "classes", "window", "resize", "crop", "mean", "std")
    return next((name for name in names if getattr(arguments, name, None) is not None), None)


def refuse_video(arguments: Namespace) -> None:
    """Refuse what only videos have.

    Raises:
        UsageError: Naming it.
    """
    name = tells_of_clips(arguments)
    if name is not None:
        videos = "name these with --video FILE, or " if hasattr(arguments, "video") else ""
        raise UsageError(f"--{name} is for agents that watch videos: {videos}leave it out")
