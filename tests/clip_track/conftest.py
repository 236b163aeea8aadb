"""A small track of clips that its pictures are drawn from."""

from pathlib import Path

import pytest

from inspector.clip_track.plan import ClipSettings
from inspector.clip_track.tracker import ClipTrack, track_clips
from inspector.clip_track.videos import TrackedVideo, tracked_videos
from inspector.track.work import Explaining
from tests.clip_track.tiny import CLASSES, here, make_folder, make_series

SETTINGS = ClipSettings((Explaining("epsilon_plus", "score"), Explaining("epsilon", "1")), 12, random_networks=3)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[TrackedVideo]:
    """Two of each class, with masks."""
    return tracked_videos([make_folder(tmp_path_factory.mktemp("videos"))], CLASSES, 12)[0]


@pytest.fixture(scope="module")
def found(videos: list[TrackedVideo], tmp_path_factory: pytest.TempPathFactory) -> ClipTrack:
    """Three checkpoints, a dozen clips."""
    folder: Path = tmp_path_factory.mktemp("track")
    return track_clips([make_series()], videos, SETTINGS, folder, here)
