"""Groups of options that commands share, and what is read from them."""

import argparse
from argparse import Namespace
from pathlib import Path
from typing import Any

from inspector.arguments import (
    COLOURS,
    OVERLAYS,
    composite,
    count,
    probability,
    seeds,
    speed,
    whole,
)
from inspector.errors import UsageError

PREPROCESSING = (
    "frame_skip", "stack", "height", "width", "max_pool", "max_frames", "grey", "padding", "divisor", "noop_max",
    "fire_reset", "episodic_life", "sticky",
)  # fmt: skip
"""Flags that say how an agent's input is made, by the names of `Preprocessing`."""


def add_source(parser: argparse.ArgumentParser) -> None:
    """Which agent."""
    parser.add_argument("agent", metavar="AGENT", help="a bundled agent, a file, a folder, or MODULE:FUNCTION")
    parser.add_argument("--env", metavar="ID", help="environment to play, as ALE/Breakout-v5")
    parser.add_argument(
        "--checkpoint", metavar="WHICH", default="last", help="frames trained, or first, best, last (default)"
    )


def add_play(parser: argparse.ArgumentParser, *, length: str = "one") -> None:
    """How it plays, and for how long."""
    play = parser.add_argument_group("play")
    play.add_argument("--seed", metavar="S", type=whole, default=0, help="seed of play and sampling (default 0)")
    end = play.add_mutually_exclusive_group()
    end.add_argument("--episodes", metavar="N", type=count, help=f"play N whole episodes (default: {length})")
    end.add_argument("--steps", metavar="N", type=count, help="stop after N steps")
    choice = play.add_mutually_exclusive_group()
    choice.add_argument(
        "--greedy", action="store_const", const=True, help="take the best action (default for Q-values)"
    )
    choice.add_argument(
        "--sample", dest="greedy", action="store_const", const=False, help="sample actions (default for policies)"
    )


def add_series(parser: argparse.ArgumentParser) -> None:
    """Training runs to track, and how."""
    parser.add_argument(
        "series", metavar="SERIES", nargs="+", help="an agent's name, a folder of checkpoints, or a glob"
    )
    parser.add_argument("--env", metavar="ID", help="environment that the agents play, as ALE/Breakout-v5")
    group = parser.add_argument_group("same states")
    states = group.add_mutually_exclusive_group()
    states.add_argument("--probe", metavar="FILE", type=Path, help="states to explain: the probe.npz of another track")
    states.add_argument(
        "--probe-steps", metavar="N", type=count, help="states in a new probe set (default 400; of clips 160)"
    )
    group.add_argument(
        "--probe-games",
        metavar="N",
        type=count,
        default=3,
        help="games a checkpoint plays for a new probe set (default 3)",
    )
    play = parser.add_argument_group("own play")
    play.add_argument(
        "--seeds",
        metavar="S,S",
        type=seeds,
        default=(0, 1, 2),
        help="own games of a checkpoint, one a seed (default 0,1,2)",
    )
    play.add_argument(
        "--max-steps", metavar="N", type=count, default=5000, help="steps after which a game is left (default 5000)"
    )
    explain = parser.add_argument_group("explanation")
    explain.add_argument(
        "--composite",
        metavar="NAME|FILE",
        type=composite,
        action="append",
        help="rules that explain (default epsilon_plus), repeatable",
    )
    explain.add_argument(
        "--target", metavar="NAME", action="append", help="what is explained (default score), repeatable"
    )
    explain.add_argument("--atoms", action="store_true", help="measure ATOMs too; takes tens of explanations a state")
    explain.add_argument(
        "--regions",
        metavar="FILE",
        type=Path,
        help="your own regions (TOML), instead of the game's objects",
    )
    explain.add_argument("--device", metavar="NAME", default="cpu", help="cpu (default), cuda, cuda:1, mps ...")
    work = parser.add_argument_group("work")
    work.add_argument("--jobs", metavar="N", type=count, help="processes (default: one a core)")
    work.add_argument(
        "--engine", choices=("processes", "ray"), default="processes", help="who works: processes (default), or Ray"
    )
    work.add_argument("--address", metavar="HOST:PORT", help="of a running Ray cluster (default: one is started here)")
    work.add_argument(
        "--seed", metavar="S", type=whole, default=0, help="of all else: probe set, untrained networks (default 0)"
    )
    work.add_argument("-o", "--output", metavar="DIR", type=Path, help="folder (default: a new one in recordings/)")
    work.add_argument("--resume", action="store_true", help="go on with a folder, or add to it; repeats nothing")


def add_rules(explain: argparse._ArgumentGroup) -> None:
    """What explains, and what is explained."""
    explain.add_argument(
        "--composite",
        metavar="NAME|FILE",
        type=composite,
        default="epsilon_plus",
        help="rules that explain, see below (default epsilon_plus)",
    )
    explain.add_argument(
        "--target", metavar="NAME", default="score", help="score (default), contrast, advantage, value or an action"
    )
    explain.add_argument("--regions", metavar="FILE", type=Path, help="a TOML file with regions of your own")
    explain.add_argument("--device", metavar="NAME", default="auto", help="auto (default), cpu, cuda, cuda:1, mps ...")


def add_explanation(parser: argparse.ArgumentParser) -> None:
    """How a recording is explained."""
    explain = parser.add_argument_group("explanation")
    add_rules(explain)
    explain.add_argument("--no-outlines", dest="outlines", action="store_false", help="no lines around the regions")
    maps = explain.add_mutually_exclusive_group()
    maps.add_argument("--no-explain", dest="explain", action="store_false", help="record the play alone")
    maps.add_argument("--save-relevance", action="store_true", help="keep every map in relevance.h5")
    explain.add_argument(
        "--batch-size", metavar="N", type=count, help="steps explained at once (default 32; of clips by their size)"
    )
    explain.add_argument(
        "--threads", metavar="N", type=count, default=2, help="threads of the film's encoder (default 2)"
    )


def add_view(parser: argparse.ArgumentParser, *, recorded: bool = False) -> None:
    """How the terminal is used; what was recorded has the overlay that it has, and makes no films."""
    overlays, default = (("relevance", "off"), None) if recorded else (OVERLAYS, OVERLAYS[0])
    kept = "snapshots" if recorded else "films and snapshots"
    view = parser.add_argument_group("view")
    view.add_argument("--speed", metavar="X", type=speed, default=1.0, help="times the game's own (default 1), or max")
    view.add_argument("--overlay", choices=overlays, default=default, help="what lies on the screen at first")
    view.add_argument("--color", choices=COLOURS, default="auto", help="colours of the terminal (default: as it says)")
    view.add_argument("-o", "--output", metavar="DIR", type=Path, help=f"folder for {kept} (default recordings/)")


def add_output(parser: argparse.ArgumentParser) -> None:
    """Where a recording goes."""
    output = parser.add_argument_group("output")
    output.add_argument("-o", "--output", metavar="DIR", type=Path, help="folder (default: a new one in recordings/)")
    output.add_argument("--overwrite", action="store_true", help="replace the files of a recording that is there")
    output.add_argument("--fps", type=int, choices=(30, 60), help="30 merges pairs of frames (default), 60 keeps all")


def add_facts(parser: argparse.ArgumentParser) -> None:
    """What a bare file cannot say of itself."""
    facts = parser.add_argument_group("when the agent's file does not say")
    facts.add_argument("--architecture", metavar="NAME", help="network that the weights belong to, as nature")
    facts.add_argument("--factory", metavar="MOD:FUNC", help="your function that builds the network; runs your code")
    facts.add_argument("--output-kind", choices=("logits", "q_values"), help="what the network's scores are")
    facts.add_argument("--stack", metavar="N", type=count, help="frames in the network's input")
    facts.add_argument("--height", metavar="N", type=count, help="rows of the network's input")
    facts.add_argument("--width", metavar="N", type=count, help="columns of the network's input")
    facts.add_argument("--divisor", metavar="X", type=float, help="pixels are divided by X before the network")
    facts.add_argument("--frame-skip", metavar="N", type=count, help="emulator frames an action lasts")
    facts.add_argument("--sticky", metavar="P", type=probability, help="probability that an action is repeated")
    facts.add_argument("--max-frames", metavar="N", type=count, help="emulator frames that cut an episode off")
    facts.add_argument("--max-pool", action=argparse.BooleanOptionalAction, help="see the maximum of two frames")
    facts.add_argument("--grey", choices=("ale", "rgb", "resize_rgb"), help="how screens become grey")
    facts.add_argument("--padding", choices=("zeros", "first"), help="what stands before an episode's first frame")
    facts.add_argument("--noop-max", metavar="N", type=whole, help="up to N no-ops start an episode")
    facts.add_argument("--fire-reset", action=argparse.BooleanOptionalAction, help="press FIRE to start an episode")
    facts.add_argument("--episodic-life", action=argparse.BooleanOptionalAction, help="treat a lost life as SB3 does")


def add_manners(parser: argparse.ArgumentParser, *, quiet: bool = False, stream: bool = False) -> None:
    """How a command talks."""
    manners = parser.add_argument_group("manners")
    printed = "JSON objects for programs, one a line" if stream else "one JSON object for programs"
    manners.add_argument("--json", action="store_true", help=f"print {printed}")
    if quiet:
        manners.add_argument("-q", "--quiet", action="store_true", help="no progress")
    manners.add_argument("--no-color", action="store_true", help="no colours")
    manners.add_argument("--debug", action="store_true", help="show the traceback of an error (or INSPECTOR_DEBUG=1)")


def source(arguments: Namespace) -> dict[str, Any]:
    """What `load_agent` and `describe` both take: the agent, and what the user says of it."""
    told = {name: getattr(arguments, name) for name in PREPROCESSING}
    return {
        "source": arguments.agent,
        "checkpoint": arguments.checkpoint,
        "environment": arguments.env,
        "architecture": arguments.architecture,
        "output": arguments.output_kind,
        "preprocessing": {name: value for name, value in told.items() if value is not None},
        "factory": arguments.factory,
    }


def device(choice: str) -> str:
    """Where the network runs: `auto` takes a CUDA device if there is one.

    Raises:
        UsageError: If torch knows no such device, or cannot compute on it.
    """
    import torch

    if choice == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.ones(1, device=torch.device(choice)).item()
    except (RuntimeError, AssertionError) as error:  # the latter from a torch that was built without CUDA
        cause = str(error).splitlines()[0]
        raise UsageError(
            f"--device {choice} cannot be used: {cause}; leave it out, or see what `inspector doctor` says"
        ) from error
    return choice
