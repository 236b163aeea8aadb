"""What checkpoints recognise in the clips of a probe set, and how often they are right."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from inspector.clip_track.probe import UNKNOWN, ClipProbe
from inspector.profile.paired import recognised
from inspector.sweep import Arrays
from inspector.track.measures import Ratios, by_episode, draw_episodes, interval

RECOGNISED = pa.schema(
    [
        pa.field("series", pa.string(), nullable=False),
        pa.field("frames", pa.int64(), nullable=False),  # how long it was trained: in the file as `clips_trained`
        pa.field("video", pa.string(), nullable=False),
        pa.field("start", pa.int64(), nullable=False),  # first frame of the clip in its video
        pa.field("class", pa.string()),  # of the video; null where it is not known
        pa.field("recognised", pa.string()),  # null where the scores are no numbers
        pa.field("explained_score", pa.float64()),  # logit, under the main explanation
    ]
)


def accuracy(scores: NDArray[np.float32], probe: ClipProbe) -> tuple[float, float, float]:
    """The share of labelled clips that are recognised, with its 95 % interval by drawing videos anew.

    Args:
        scores: A logit for every class, (clips, classes).
        probe: The clips.

    Returns:
        Mean, lower and upper end; NaN where there is none.
    """
    labelled = probe.labelled
    if not labelled.any():
        return np.nan, np.nan, np.nan
    right = recognised(scores.astype(np.float64), probe.labels)[labelled].astype(np.float64)[:, None]
    groups = np.unique(probe.videos[labelled], return_inverse=True)[1].astype(np.int64)
    ratios = Ratios(by_episode(right, groups), by_episode(np.ones_like(right), groups), np.array([len(right)]))
    low, high = interval(ratios.resampled(draw_episodes(len(ratios.above))), ratios.episodes)
    return float(ratios.mean[0]), float(low[0]), float(high[0])


def recognised_rows(series: str, trained: int, arrays: Arrays, probe: ClipProbe) -> Iterator[dict[str, Any]]:
    """A row a clip: what a checkpoint recognises in it.

    Args:
        series: Name of the training run.
        trained: Clips that the checkpoint was trained on.
        arrays: What `explain_clips` gave.
        probe: The clips.
    """
    known = np.asarray(np.isfinite(arrays["scores"]).all(1))
    for number, best in enumerate(arrays["scores"].argmax(1).tolist()):
        label, score = int(probe.labels[number]), float(arrays["score"][number])
        yield {
            "series": series,
            "frames": trained,
            "video": probe.names[int(probe.videos[number])],
            "start": int(probe.starts[number]),
            "class": None if label == UNKNOWN else probe.class_names[label],
            "recognised": probe.class_names[best] if known[number] else None,
            "explained_score": score if np.isfinite(score) else None,
        }
