"""What a recording says of its own making: in its manifest, and on its page."""

import platform
import re
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from inspector.agent import Agent
from inspector.draw.moment import PageFacts
from inspector.draw.palette import region_colours
from inspector.draw.text import count_text
from inspector.explaining import Interpreter, line_name

PACKAGES = ("relevance-inspector", "torch", "ale-py", "gymnasium", "av", "opencv-python-headless", "numpy")


def account_of(agent: Agent, interpreter: Interpreter | None) -> dict[str, Any]:
    """Facts for the manifest that hold whatever is played: agent, explanation, versions.

    Args:
        agent: Who decides.
        interpreter: What explains; None if nothing does.
    """
    explanation: dict[str, Any] | None = None
    if interpreter:
        rules = {} if interpreter.rules is None else {"rules": interpreter.rules}
        explanation = {
            "composite": interpreter.composite,
            **rules,
            "target": interpreter.target,
            "measure": interpreter.measure,
            "frames_told_apart": interpreter.frames_told_apart,
        }
    return {
        "agent": asdict(agent.facts) | {"output": agent.output, "action_count": agent.action_count},
        "preprocessing": asdict(agent.preprocessing),
        "explanation": explanation,
        "device": str(agent.device),
        "versions": versions(),
    }


def page_facts(
    agent: Agent,
    interpreter: Interpreter | None,
    title: str,
    action_names: tuple[str, ...],
    decision_rate: float,
    regions: tuple[str, ...],
) -> PageFacts:
    """What the page says of the whole recording.

    Args:
        agent: Who decides.
        interpreter: What explains; None if nothing does.
        title: The game's name.
        action_names: Name of every action.
        decision_rate: Decisions a second of the game.
        regions: Names of the regions, the background last; none if nothing finds them.
    """
    recipe = agent.preprocessing
    return PageFacts(
        title=title,
        subtitle=_subtitle(agent, interpreter, title),
        action_names=action_names,
        output=agent.output,
        stack=recipe.stack,
        input_size=(recipe.height, recipe.width),
        input_upper=agent.input_bounds[1],
        decisions_per_second=decision_rate,
        line_name=interpreter.line_name if interpreter else line_name(agent.output, "score"),
        explain=interpreter is not None,
        regions=tuple(zip((name.replace("_", " ") for name in regions), region_colours(regions), strict=True)),
        frames_told_apart=interpreter is None or interpreter.frames_told_apart,
        measure=interpreter.measure if interpreter else "relevance",
    )


def _subtitle(agent: Agent, interpreter: Interpreter | None, title: str) -> tuple[str, ...]:
    facts = agent.facts
    trained = facts.checkpoint.frames
    parts = [
        None if facts.name.lower() == title.lower() else facts.name,
        " ".join(filter(None, ((facts.algorithm or "").upper(), re.split("[:,]", facts.architecture)[0]))),
        None if trained is None else f"{count_text(trained)} frames",
    ]
    if interpreter:
        parts += [interpreter.composite, interpreter.target]
    return tuple(part for part in parts if part)


def versions() -> dict[str, str]:
    """Versions that a recording depends on."""
    found = {"python": platform.python_version(), "cuda": str(torch.version.cuda or "none")}
    return found | {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
