"""Pieces of work that are done once: by a pool of processes or by Ray, kept by what they depend on."""

from inspector.sweep.run import Failure, Progress, run_units
from inspector.sweep.store import Store
from inspector.sweep.unit import Arrays, Unit

__all__ = ["Arrays", "Failure", "Progress", "Store", "Unit", "run_units"]
