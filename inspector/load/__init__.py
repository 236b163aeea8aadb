"""Files to agents, without running their code."""

from inspector.load.opening import list_checkpoints, load_agent
from inspector.load.recurrent import recurrent_network
from inspector.load.summary import describe

__all__ = ["describe", "list_checkpoints", "load_agent", "recurrent_network"]
