"""The rows of a recording, one a decision: their schema, their form in the journal, and the table made of them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from inspector.attention import Attention, RegionShares
from inspector.files import write_error
from inspector.records import Relevance, Step

_NUMBERS = pa.list_(pa.float32())

ROW_SCHEMA = pa.schema(
    [
        # Of a recorded video an episode is one video, a step one window; see inspector.viewing.rows.
        pa.field("episode", pa.int32(), nullable=False),  # from 0
        pa.field("step", pa.int32(), nullable=False),  # within the episode, from 0
        pa.field("frame", pa.int64(), nullable=False),  # emulator frames played in the episode before the decision
        pa.field("video_seconds", pa.float64(), nullable=False),  # when the decision appears in the film
        pa.field("action", pa.int16(), nullable=False),
        pa.field("action_name", pa.string(), nullable=False),
        pa.field("scores", _NUMBERS, nullable=False),  # one an action
        pa.field("value", pa.float32()),
        pa.field("reward", pa.float32(), nullable=False),  # unclipped, of the whole step
        pa.field("return_so_far", pa.float64(), nullable=False),  # after the step
        pa.field("lives", pa.int16()),  # after the step
        pa.field("terminated", pa.bool_(), nullable=False),
        pa.field("truncated", pa.bool_(), nullable=False),
        # What follows is null where the decision was not explained.
        pa.field("target", pa.string()),
        pa.field("target_score", pa.float64()),
        pa.field("relevance_positive", pa.float64()),  # sum over the network input
        pa.field("relevance_negative", pa.float64()),  # at most 0
        pa.field("frame_shares", _NUMBERS),  # of |relevance|, one a stacked frame, oldest first
        pa.field("centre_row", pa.float32()),  # of |relevance|, in pixels of the network input
        pa.field("centre_column", pa.float32()),
        pa.field("spread", pa.float32()),
        pa.field("ledger_input", pa.float64()),
        pa.field("ledger_bias", pa.float64()),
        pa.field("ledger_stabiliser", pa.float64()),
        pa.field("ledger_dropped", pa.float64()),
        pa.field("finite", pa.bool_()),
        # What follows is null where nothing finds regions; their names stand in the manifest, the background last.
        pa.field("region_shares", _NUMBERS),  # of |relevance|, one a region
        pa.field("region_positive_shares", _NUMBERS),  # of the relevance above zero
        pa.field("regions_hidden", pa.list_(pa.string())),  # not on the screen that was decided on
        pa.field("regions_unsure", pa.list_(pa.string())),  # there, or not, by a guess
    ]
)
"""Columns of `steps.parquet`. Sums that must add up are float64."""

_ROW = pa.struct(list(ROW_SCHEMA))
_NAMES = frozenset(ROW_SCHEMA.names)
_REQUIRED = tuple(field.name for field in ROW_SCHEMA if not field.nullable)
_BATCH = 1024


def encode_row(row: Mapping[str, Any]) -> bytes:
    """A row as the journal keeps it: JSON. NaN and infinity pass; numpy scalars and arrays become plain ones.

    Args:
        row: Values by column; columns that may be null may be left out.

    Raises:
        ValueError: If a column is unknown, missing, or of another type: no row is journaled that the table refuses.
    """
    if unknown := row.keys() - _NAMES:
        raise ValueError(f"a row has no column {', '.join(sorted(unknown))}")
    if missing := [name for name in _REQUIRED if row.get(name) is None]:
        raise ValueError(f"a row lacks {', '.join(missing)}")
    try:
        pa.scalar(row, type=_ROW)
        return json.dumps(row, default=lambda value: value.tolist(), separators=(",", ":")).encode()
    except (pa.ArrowException, AttributeError, TypeError, OverflowError) as error:
        raise ValueError(f"a row does not fit the table: {error}") from error


def write_table(records: Iterable[bytes], path: Path) -> tuple[int, int]:
    """Write encoded rows to a Parquet file, a thousand at a time, so that memory does not grow with their number.

    Args:
        records: What `encode_row` gave.
        path: The file.

    Returns:
        Number of rows, and of different episodes among them.

    Raises:
        RecordingError: If the file cannot be written.
    """
    row_count, episodes = 0, set[int]()
    try:
        with pq.ParquetWriter(path, ROW_SCHEMA, compression="zstd") as writer:
            for rows in _batches(map(json.loads, records)):
                writer.write_batch(pa.RecordBatch.from_pylist(rows, schema=ROW_SCHEMA))
                row_count += len(rows)
                episodes.update(row["episode"] for row in rows)
    except OSError as error:
        raise write_error(path, error) from error
    return row_count, len(episodes)


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch


def row_of(
    step: Step,
    relevance: Relevance | None,
    attention: Attention,
    regions: RegionShares | None,
    action_name: str,
    video_seconds: float,
    return_so_far: float,
) -> dict[str, Any]:
    """The row of one decision.

    Args:
        step: What was decided, and what came of it.
        relevance: Its explanation; None leaves the columns of relevance empty.
        attention: Summary of that relevance.
        regions: Attention by region; None leaves its columns empty.
        action_name: Name of the action taken.
        video_seconds: When the film shows it.
        return_so_far: Return of the game, this step's reward included.
    """
    row: dict[str, Any] = {
        "episode": step.episode,
        "step": step.index,
        "frame": step.frame,
        "video_seconds": video_seconds,
        "action": step.decision.action,
        "action_name": action_name,
        "scores": step.decision.scores.tolist(),
        "value": step.decision.value,
        "reward": step.reward,
        "return_so_far": return_so_far,
        "lives": step.lives,
        "terminated": step.terminated,
        "truncated": step.truncated,
    }
    if regions is not None:
        row |= {
            "region_shares": None if regions.absolute is None else regions.absolute.tolist(),
            "region_positive_shares": None if regions.positive is None else regions.positive.tolist(),
            "regions_hidden": [region.name for region in regions.regions if not region.boxes],
            "regions_unsure": [region.name for region in regions.regions if not region.sure],
        }
    return row | explanation_columns(relevance, attention)


def explanation_columns(relevance: Relevance | None, attention: Attention) -> dict[str, Any]:
    """The columns of one explanation; none without it.

    Args:
        relevance: The explanation.
        attention: Its summary.
    """
    if relevance is None:
        return {}
    shares = attention.frame_shares
    return {
        "target": relevance.target,
        "target_score": relevance.score,
        "relevance_positive": attention.positive,
        "relevance_negative": attention.negative,
        "frame_shares": None if shares is None else shares.tolist(),
        "centre_row": attention.centre_row,
        "centre_column": attention.centre_column,
        "spread": attention.spread,
        "finite": relevance.finite,
        **{f"ledger_{part}": amount for part, amount in relevance.ledger.items()},
    }
