"""A folder of labelled videos: names of classes are found, and what is of no class is told."""

from pathlib import Path

import pytest

from inspector.errors import UsageError
from inspector.profile.folder import find_videos

NAMES = ("turn_left", "Go", "x ray")


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())


def test_case_spaces_and_dashes_do_not_tell_classes_apart(tmp_path: Path) -> None:
    put(tmp_path, "Turn-Left/b.mp4", "turn left/a.mp4", "GO/c.avi", "x_ray/d.mp4")
    found, left_out = find_videos(tmp_path, NAMES)
    assert [(video.name, video.label) for video in found] == [
        ("Turn-Left/b.mp4", 0), ("turn left/a.mp4", 0), ("GO/c.avi", 1), ("x_ray/d.mp4", 2)
    ]  # fmt: skip
    assert left_out == []


def test_masks_belong_to_their_video_and_change_its_digest(tmp_path: Path) -> None:
    put(tmp_path, "go/a.mp4", "go/.hidden", "go/a.mask.npz")
    (video,), _ = find_videos(tmp_path, NAMES)
    assert video.mask == tmp_path / "go" / "a.mask.npz"
    put(tmp_path / "again", "go/a.mp4")
    (bare,), _ = find_videos(tmp_path / "again", NAMES)
    assert bare.mask is None and bare.digest != video.digest


def test_videos_of_no_class_are_told_with_their_number(tmp_path: Path) -> None:
    put(tmp_path, "go/a.mp4", "swim/b.mp4", "swim/c.mp4")
    found, (stranger,) = find_videos(tmp_path, NAMES)
    assert len(found) == 1
    assert (stranger.name, stranger.videos, stranger.reason) == ("swim", 2, "the agent knows no class 'swim'")


def test_a_link_to_nothing_is_left_out_and_told(tmp_path: Path) -> None:
    put(tmp_path, "go/a.mp4")
    (tmp_path / "go" / "b.mp4").symlink_to(tmp_path / "nowhere.mp4")
    (video,), (lost,) = find_videos(tmp_path, NAMES)
    assert video.name == "go/a.mp4" and lost.name == "go/b.mp4" and "cannot be read: No such file" in lost.reason
    (tmp_path / "go" / "a.mp4").unlink()
    with pytest.raises(UsageError, match=r"no video that can be read \(b.mp4 cannot be read: No such file"):
        find_videos(tmp_path, NAMES)


def test_a_folder_without_any_class_says_what_it_should_hold(tmp_path: Path) -> None:
    put(tmp_path, "swim/b.mp4", "a.mp4")
    with pytest.raises(
        UsageError, match=r"only folders of no class of the agent: swim: make .* \(turn_left, Go, x ray"
    ):
        find_videos(tmp_path, NAMES)
    with pytest.raises(UsageError, match="is no folder"):
        find_videos(tmp_path / "a.mp4", NAMES)


def test_a_network_whose_classes_have_no_names_is_to_be_given_some(tmp_path: Path) -> None:
    put(tmp_path, "jump/a.mp4")
    with pytest.raises(UsageError, match=r"\(class 0, class 1\); name your own classes with --classes FILE"):
        find_videos(tmp_path, ("class 0", "class 1"))


def test_classes_that_folders_cannot_tell_apart_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="classes 0 and 2 are both called 'A-b'"):
        find_videos(tmp_path, ("a b", "c", "A-b"))
