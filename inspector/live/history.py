"""The decisions of a recording as the timeline shows them: its rows as arrays, read once."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from inspector.live.scene import Past
from inspector.records import Decision

_ALIKE = 1e-6
"""Shares that differ by no more are the same."""


class History:
    """What a recording tells of every decision, at hand by its number.

    Args:
        rows: Of the recording, of `inspector.rows.ROW_SCHEMA`; columns that may be null may be missing.
        action_count: Number of actions.
        region_count: Number of regions, the background among them; 0 where nothing found any.

    Raises:
        ValueError: If a decision has another number of scores or shares, or an action that there is not.
    """

    def __init__(self, rows: pa.Table, action_count: int, region_count: int) -> None:
        self._actions: NDArray[np.int64] = rows["action"].to_numpy().astype(np.int64)
        if len(self._actions) and not (self._actions.min() >= 0 and self._actions.max() < action_count):
            raise ValueError(f"an action is not one of {action_count}")
        self._scores = _lists(rows, "scores", action_count)
        self._shares = _lists(rows, "region_shares", region_count)
        self._values, self._rewards = _numbers(rows, "value"), _numbers(rows, "reward")
        self._criticised = ~_is_null(rows, "value")
        self._tracked = self._tracked_scores(rows)
        self._begins = _numbers(rows, "step") == 0
        lives = _numbers(rows, "lives")
        self._lost = (np.diff(lives, prepend=np.nan) < 0) & ~self._begins

    def decision(self, place: int) -> Decision:
        """A decision."""
        value = float(self._values[place]) if self._criticised[place] else None
        return Decision(int(self._actions[place]), self._scores[place], value)

    def __getitem__(self, place: int) -> Past:
        """A decision, and what came of it."""
        shares = self._shares[place]
        return Past(
            tracked=float(self._tracked[place]),
            region_shares=shares if len(shares) and np.isfinite(shares).all() else None,
            reward=float(self._rewards[place]),
            life_lost=bool(self._lost[place]),
            game_begins=bool(self._begins[place]),
        )

    def _tracked_scores(self, rows: pa.Table) -> NDArray[np.float64]:
        """The explained scores; where nothing was explained, those of the actions taken."""
        taken = self._scores[np.arange(len(self._actions)), self._actions]
        return np.where(_is_null(rows, "target_score"), taken, _numbers(rows, "target_score"))


def tells_frames_apart(rows: pa.Table) -> bool:
    """Whether any decision has stacked frames of different shares; True where none has shares.

    Under a flat composite all are alike by its making, which is nothing that was measured.
    """
    if "frame_shares" not in rows.column_names:
        return True
    column = rows["frame_shares"].drop_null()
    lengths = set(column.combine_chunks().value_lengths().unique().to_pylist())
    if len(lengths) != 1:
        return True
    shares = column.combine_chunks().flatten().to_numpy(zero_copy_only=False).reshape(-1, lengths.pop())
    return bool((np.ptp(shares, axis=1) > _ALIKE).any())


def _is_null(rows: pa.Table, name: str) -> NDArray[np.bool_]:
    """Where a column is null; everywhere if it is missing."""
    if name not in rows.column_names:
        return np.ones(len(rows), bool)
    return np.asarray(rows[name].is_null().to_numpy(), bool)


def _numbers(rows: pa.Table, name: str) -> NDArray[np.float64]:
    """A column; NaN where it is null, or missing."""
    if name not in rows.column_names:
        return np.full(len(rows), np.nan)
    return np.asarray(rows[name].to_numpy(), np.float64)


def _lists(rows: pa.Table, name: str, length: int) -> NDArray[np.float32]:
    """A column of lists as an array (rows, length); NaN where it is null, or missing.

    Raises:
        ValueError: If a list has another length.
    """
    found = np.full((len(rows), length), np.nan, np.float32)
    if name not in rows.column_names:
        return found
    column = rows[name].combine_chunks()
    there = column.is_valid().to_numpy(zero_copy_only=False)
    lengths = set(column.value_lengths().drop_null().unique().to_pylist())
    if lengths - {length}:
        raise ValueError(f"{name} of a decision are {max(lengths - {length})}, not {length}")
    found[there] = column.flatten().to_numpy(zero_copy_only=False).reshape(int(there.sum()), length)
    return found
