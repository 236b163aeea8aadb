"""See what a game-playing or video-watching network looks at when it decides.

Every public name is here; each is imported when first used, so that `import inspector` costs nothing.

    agent = inspector.load_agent("breakout")
    recording = inspector.record(agent, steps=600)

    watcher = inspector.load_clip_agent("motion-digits")
    recording = inspector.record_videos(watcher, ["clip.mp4"])

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
    VideoError,
)

if TYPE_CHECKING:
    from inspector.agent import Agent
    from inspector.clips.agent import ClipAgent
    from inspector.integrations.gymnasium import RecordExplained
    from inspector.load import load_agent
    from inspector.load.clip_opening import load_clip_agent
    from inspector.lrp import Explainer, Explanation
    from inspector.recording import Recording
    from inspector.session import record
    from inspector.viewing.session import record_videos

__version__ = "0.1.0"

__all__ = [
    "Agent",
    "CheckpointError",
    "ClipAgent",
    "Explainer",
    "Explanation",
    "GameError",
    "InspectorError",
    "RecordExplained",
    "Recording",
    "RecordingError",
    "UnsupportedError",
    "UsageError",
    "VideoError",
    "__version__",
    "load_agent",
    "load_clip_agent",
    "record",
    "record_videos",
]

_HOMES = {
    "Agent": "inspector.agent",
    "ClipAgent": "inspector.clips.agent",
    "Explainer": "inspector.lrp",
    "Explanation": "inspector.lrp",
    "RecordExplained": "inspector.integrations.gymnasium",
    "Recording": "inspector.recording",
    "load_agent": "inspector.load",
    "load_clip_agent": "inspector.load.clip_opening",
    "record": "inspector.session",
    "record_videos": "inspector.viewing.session",
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
