"""See what a game-playing network looks at when it decides.

Every public name is here; each is imported when first used, so that `import inspector` costs nothing.

    agent = inspector.load_agent("breakout")
    recording = inspector.record(agent, steps=600)

    explainer = inspector.Explainer(network, composite="epsilon_plus", input_bounds=(0.0, 1.0))
    explanation = explainer(inputs, target)
"""

from importlib import import_module
from typing import TYPE_CHECKING

from inspector.errors import (
    CheckpointError,
    GameError,
    InspectorError,
    RecordingError,
    UnsupportedError,
    UsageError,
)

if TYPE_CHECKING:
    from inspector.agent import Agent
    from inspector.integrations.gymnasium import RecordExplained
    from inspector.load import load_agent
    from inspector.lrp import Explainer, Explanation
    from inspector.recording import Recording
    from inspector.session import record

__version__ = "0.1.0"

__all__ = [
    "Agent",
    "CheckpointError",
    "Explainer",
    "Explanation",
    "GameError",
    "InspectorError",
    "RecordExplained",
    "Recording",
    "RecordingError",
    "UnsupportedError",
    "UsageError",
    "__version__",
    "load_agent",
    "record",
]

_HOMES = {
    "Agent": "inspector.agent",
    "Explainer": "inspector.lrp",
    "Explanation": "inspector.lrp",
    "RecordExplained": "inspector.integrations.gymnasium",
    "Recording": "inspector.recording",
    "load_agent": "inspector.load",
    "record": "inspector.session",
}

if not TYPE_CHECKING:  # a type checker shall know exactly the names above, and no others

    def __getattr__(name: str) -> object:
        """Import a public name when it is first asked for (PEP 562)."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
