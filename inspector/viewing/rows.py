"""The row of a window: the same table as for games, where a step is a decision."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from inspector.attention import NOTHING, attend
from inspector.rows import explanation_columns
from inspector.viewing.interpreter import Explained
from inspector.viewing.watching import Window

NO_CLASS = "no class"
"""What is recognised where scores are not finite; its number is -1."""


def row_of_window(
    video: int, window: Window, explained: Explained, class_names: Sequence[str], shown: float
) -> dict[str, Any]:
    """The row of one window, of `inspector.rows.ROW_SCHEMA`.

    An episode is a video, a step a window; `frame` is the number of its first frame, `action` the class that the
    network recognises in it, and `frame_shares` are those by position in the clip. There is no reward.

    Args:
        video: Number of the video, from 0.
        window: The window.
        explained: Its scores, and its explanation if there is one.
        class_names: Of every class.
        shown: When the film shows the window's first frame, in seconds.
    """
    scores, relevance = explained
    best = int(scores.argmax()) if np.isfinite(scores).all() else None
    return {
        "episode": video,
        "step": window.index,
        "frame": window.places[0],
        "video_seconds": shown,
        "action": -1 if best is None else best,
        "action_name": NO_CLASS if best is None else class_names[best],
        "scores": scores.tolist(),
        "reward": 0.0,
        "return_so_far": 0.0,
        "terminated": window.is_last,
        "truncated": False,
        **explanation_columns(relevance, NOTHING if relevance is None else attend(relevance.values)),
    }
