"""Files to agents, without running their code."""

from inspector.load.opening import list_checkpoints, load_agent
from inspector.load.recurrent import recurrent_network
from inspector.load.series import CheckpointSeries, Member, check_different, open_series
from inspector.load.summary import describe

__all__ = [
    "CheckpointSeries",
    "Member",
    "check_different",
    "describe",
    "list_checkpoints",
    "load_agent",
    "open_series",
    "recurrent_network",
]
