"""What a recording says of its own making."""

import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from inspector.agent import Agent
from inspector.explaining import Interpreter

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
        explanation = {"composite": interpreter.composite, **rules, "target": interpreter.target}
    return {
        "agent": asdict(agent.facts) | {"output": agent.output, "action_count": agent.action_count},
        "preprocessing": asdict(agent.preprocessing),
        "explanation": explanation,
        "device": str(agent.device),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Versions that a recording depends on."""
    found = {"python": platform.python_version(), "cuda": str(torch.version.cuda or "none")}
    return found | {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
