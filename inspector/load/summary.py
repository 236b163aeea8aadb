"""What `inspector show` tells of an agent without playing it."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from inspector.atari.networks import describe_layers
from inspector.load.draft import Request
from inspector.load.opening import Opened, open_agent


def describe(
    source: str | Path,
    *,
    checkpoint: int | str = "last",
    environment: str | None = None,
    architecture: str | None = None,
    output: str | None = None,
    preprocessing: Mapping[str, object] | None = None,
    factory: str | None = None,
) -> dict[str, object]:
    """Tell what an agent is, from its file alone.

    Args:
        source: As in `load_agent`, and so are the others.
        checkpoint: Which weights.
        environment: Environment id.
        architecture: `nature` or `nips`.
        output: `logits` or `q_values`.
        preprocessing: Fields of `Preprocessing`.
        factory: `module:function`.

    Returns:
        Plain values that JSON can hold: format, algorithm, architecture, layers, actions, parameters, input,
        checkpoint, checkpoints, preprocessing, assumed, warnings, provenance and more.

    Raises:
        CheckpointError: As `load_agent`.
        UsageError: Likewise.
    """
    request = Request(environment, architecture, output, preprocessing or {})
    opened = open_agent(source, checkpoint, factory, request)
    agent, facts = opened.agent, opened.agent.facts
    return {
        "name": facts.name,
        "format": facts.format,
        "algorithm": facts.algorithm,
        "environment": facts.environment,
        "architecture": facts.architecture,
        "layers": describe_layers(agent.network),
        "parameters": sum(parameter.numel() for parameter in agent.network.parameters()),
        "output": agent.output,
        "actions": agent.action_count,
        "action_names": list(opened.bundle.actions) if opened.bundle else None,
        "input": {"shape": list(agent.input_shape), "bounds": list(agent.input_bounds)},
        "preprocessing": asdict(agent.preprocessing),
        "checkpoint": asdict(facts.checkpoint),
        "checkpoints": _checkpoints(opened),
        "assumed": [line for line in facts.assumed if line not in opened.warnings],
        "warnings": list(opened.warnings),
        "provenance": dict(facts.provenance),
    }


def _checkpoints(opened: Opened) -> list[dict[str, object]]:
    intervals = opened.bundle.intervals if opened.bundle else {}
    return [
        {**asdict(one), "interval": list(intervals[one.frames]) if one.frames in intervals else None}
        for one in opened.checkpoints
    ]
