"""What a folder keeps of what was asked of it."""

from pathlib import Path

import pytest

from inspector.errors import InspectorError, RecordingError, UsageError
from inspector.load import open_series
from inspector.track.asked import (
    Asked,
    additions,
    asked_before,
    asked_of,
    check_same,
    claimed,
    finish,
    is_finished,
)
from inspector.track.plan import Settings
from inspector.track.work import Explaining


def asked(atoms: bool = False, regions: Path | None = None) -> Asked:
    settings = Settings((Explaining("epsilon_plus", "score"),), atoms=atoms, regions=regions)
    return asked_of([open_series("pong")], settings, None)


@pytest.fixture(scope="module")
def plain() -> Asked:
    return asked()


def fail(folder: Path, plain: Asked, *, result: bool) -> None:
    """Fail in the middle of the work, with or without a first result."""

    def work() -> None:
        with claimed(folder, plain, resume=False):
            (folder / "units").mkdir()
            if result:
                (folder / "units" / "1.npz").write_bytes(b"1")
            raise InspectorError("no disk")

    with pytest.raises(InspectorError, match="no disk"):
        work()


def test_what_fails_before_its_first_result_leaves_the_folder_as_it_was(tmp_path: Path, plain: Asked) -> None:
    fail(tmp_path / "new", plain, result=False)
    assert not (tmp_path / "new").exists()
    (tmp_path / "empty").mkdir()
    fail(tmp_path / "empty", plain, result=False)
    assert list((tmp_path / "empty").iterdir()) == []


def test_what_fails_after_a_result_can_go_on(tmp_path: Path, plain: Asked) -> None:
    fail(tmp_path / "new", plain, result=True)
    assert asked_before(tmp_path / "new") == plain
    assert not is_finished(tmp_path / "new", plain)
    with claimed(tmp_path / "new", plain, resume=True):
        finish(tmp_path / "new", plain)
    assert is_finished(tmp_path / "new", plain)


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path, plain: Asked) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(RecordingError, match="holds something"), claimed(tmp_path, plain, resume=False):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]
    assert asked_before(tmp_path) is None


def test_atoms_can_be_added_and_not_taken_away(tmp_path: Path, plain: Asked) -> None:
    check_same(tmp_path, plain, asked(atoms=True))
    assert additions(plain, asked(atoms=True)) == ["ATOMs"]
    with pytest.raises(UsageError, match="made with --atoms, not asked now"):
        check_same(tmp_path, asked(atoms=True), plain)


def test_regions_are_told_by_what_the_file_says(tmp_path: Path, plain: Asked) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("one")
    one = asked(regions=file)
    with pytest.raises(UsageError, match="made without --regions; asked with: choose"):
        check_same(tmp_path, plain, one)
    file.write_text("two")
    with pytest.raises(UsageError, match="made with another file as --regions"):
        check_same(tmp_path, one, asked(regions=file))


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text("{")
    with pytest.raises(RecordingError, match=r"settings.json cannot be read: .*choose another folder"):
        asked_before(tmp_path)


@pytest.mark.parametrize("content", ["[1]", '{"game": "pong", "frames": 1000}', '{"status": "running", "asked": {}}'])
def test_settings_of_something_else_are_left_as_they_are(tmp_path: Path, plain: Asked, content: str) -> None:
    file = tmp_path / "settings.json"  # as a run of our own trainer has, beside its checkpoints
    file.write_text(content)
    with pytest.raises(RecordingError, match="is no track's: choose another folder"):
        asked_before(tmp_path)
    with pytest.raises(RecordingError, match="is no track's"), claimed(tmp_path, plain, resume=True):
        pass
    assert file.read_text() == content


def test_a_folder_that_holds_no_track_is_not_resumed(tmp_path: Path, plain: Asked) -> None:
    (tmp_path / "manifest.json").write_text("of a recording")
    with pytest.raises(RecordingError, match="holds something that is no track"), claimed(tmp_path, plain, resume=True):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


def test_two_tracks_at_once_in_one_folder_are_kept_apart(tmp_path: Path, plain: Asked) -> None:
    with claimed(tmp_path / "track", plain, resume=False):
        with (
            pytest.raises(RecordingError, match="another track is at work in"),
            claimed(tmp_path / "track", plain, resume=True),
        ):
            raise AssertionError("both work")
        assert (tmp_path / "track" / "settings.json").exists()
    with claimed(tmp_path / "track", plain, resume=True):  # the lock went with the first
        pass
