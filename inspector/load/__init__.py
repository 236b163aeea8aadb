"""Files to agents, without running their code."""

from inspector.load.clip_opening import clip_checkpoints, load_clip_agent, watches_clips
from inspector.load.clip_summary import describe_clips
from inspector.load.opening import list_checkpoints, load_agent
from inspector.load.recurrent import recurrent_network
from inspector.load.series import CheckpointSeries, Member, check_different, open_series
from inspector.load.summary import describe

__all__ = [
    "CheckpointSeries",
    "Member",
    "check_different",
    "clip_checkpoints",
    "describe",
    "describe_clips",
    "list_checkpoints",
    "load_agent",
    "load_clip_agent",
    "open_series",
    "recurrent_network",
    "watches_clips",
]
