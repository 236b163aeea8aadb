"""The row of a window: the same table as for games, where a step is a decision."""

from typing import Any

from inspector.attention import NOTHING, attend
from inspector.rows import explanation_columns
from inspector.viewing.interpreter import Explained
from inspector.viewing.watching import Window


def row_of_window(video: int, window: Window, explained: Explained, class_name: str, shown: float) -> dict[str, Any]:
    """The row of one window, of `inspector.rows.ROW_SCHEMA`.

    An episode is a video, a step a window; `frame` is the number of its first frame, `action` the class that the
    network recognises in it, and `frame_shares` are those by position in the clip. There is no reward.

    Args:
        video: Number of the video, from 0.
        window: The window.
        explained: Its scores, and its explanation if there is one.
        class_name: Name of the class that is recognised.
        shown: When the film shows the window's first frame, in seconds.
    """
    scores, relevance = explained
    return {
        "episode": video,
        "step": window.index,
        "frame": window.places[0],
        "video_seconds": shown,
        "action": int(scores.argmax()),
        "action_name": class_name,
        "scores": scores.tolist(),
        "reward": 0.0,
        "return_so_far": 0.0,
        "terminated": window.is_last,
        "truncated": False,
        **explanation_columns(relevance, NOTHING if relevance is None else attend(relevance.values)),
    }
