"""Recordings: whole, or saying that they are not; killed, on a full disk, over an older one; and recovered."""

import json
import os
import random
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.errors import RecordingError
from inspector.film import read_facts, read_frame
from inspector.journal import read_journal
from inspector.recording import Recording, RecordingWriter
from inspector.recovery import recover
from inspector.rows import ROW_SCHEMA, encode_row
from tests.interrupts import interrupted

WIDTH, HEIGHT = 96, 64
SIZE = {"width": WIDTH, "height": HEIGHT, "fps": 30}


def picture(number: int) -> NDArray[np.uint8]:
    return np.full((HEIGHT, WIDTH, 3), 40 + number % 200, np.uint8)


def relevance(number: int) -> NDArray[np.float32]:
    return np.full((2, 6, 6), number / 8, np.float32)


def row(number: int) -> dict[str, Any]:
    return {
        "episode": number // 10,
        "step": number % 10,
        "frame": 4 * number,
        "video_seconds": number / 30,
        "action": number % 4,
        "action_name": "FIRE",
        "scores": [0.5, -1.25, float(number)],
        "reward": 1.0,
        "return_so_far": 0.1 * number,
        "terminated": number % 10 == 9,
        "truncated": False,
    }


def explained(number: int) -> dict[str, Any]:
    return row(number) | {
        "value": 0.25,
        "lives": 5,
        "target": "score",
        "target_score": 0.1 + number,
        "relevance_positive": 3.0,
        "relevance_negative": -2.0,
        "frame_shares": np.array([0.25, 0.75], np.float32),
        "centre_row": np.float32(3.5),
        "centre_column": float("nan"),
        "spread": 1.0,
        "ledger_input": 0.1,
        "ledger_bias": 0.2,
        "ledger_stabiliser": 1e-9,
        "ledger_dropped": 0.0,
        "finite": np.bool_(False),
    }


def write(folder: Path, count: int = 25, *, manifest: dict[str, Any] | None = None, **choices: Any) -> Recording:
    writer = RecordingWriter(folder, manifest or {}, **SIZE, **choices)
    for number in range(count):
        writer.add_row(row(number))
        writer.add_relevance(relevance(number))
        writer.add_frame(picture(number))
    return writer.close()


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_recording_holds_what_was_put_in(tmp_path: Path) -> None:
    recording = write(tmp_path / "new" / "deep", 25)
    assert sorted(os.listdir(recording.path)) == ["manifest.json", "steps.parquet", "thumbnail.png", "video.mp4"]
    assert recording.rows.schema.equals(ROW_SCHEMA)
    assert recording.rows.select(list(row(0))).to_pylist() == [row(number) for number in range(25)]
    assert recording.facts.frame_count == read_facts(recording.video).frame_count == 25
    assert recording.status == "complete"
    assert recording.relevance is None


def test_a_recording_is_the_same_when_it_is_loaded(tmp_path: Path) -> None:
    written = write(tmp_path / "r", save_relevance=True)
    loaded = Recording.load(tmp_path / "r")
    assert loaded.manifest == written.manifest
    assert loaded.rows.equals(written.rows)


def test_the_manifest_counts_and_vouches_for_every_file(tmp_path: Path) -> None:
    manifest = write(tmp_path, 25, save_relevance=True).manifest
    assert manifest["counts"] == {
        "frames": 25,
        "steps": 25,
        "episodes": 3,
        "seconds": 25 / 30,
        "relevance_maps": 25,
    }
    assert sorted(manifest["files"]) == ["relevance.h5", "steps.parquet", "thumbnail.png", "video.mp4"]
    for name, said in manifest["files"].items():
        data = (tmp_path / name).read_bytes()
        assert said == {"bytes": len(data), "sha256": sha256(data).hexdigest()}


def test_a_manifest_takes_what_programs_hand_in(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Facts:
        path: Path
        shape: tuple[int, ...]

    given = {
        "seed": np.int64(3),
        "mean": np.float32(0.5),
        "nan": float("nan"),
        "array": np.arange(3),
        "facts": Facts(Path("a/b"), (4, 84)),
        "games": {"pong", "breakout"},
        "command": "inspector record «breakout»",
        "flag": np.True_,
    }
    write(tmp_path, 1, manifest=given)
    said = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert {key: said[key] for key in given} == {
        "seed": 3,
        "mean": 0.5,
        "nan": None,
        "array": [0, 1, 2],
        "facts": {"path": "a/b", "shape": [4, 84]},
        "games": ["breakout", "pong"],
        "command": "inspector record «breakout»",
        "flag": True,
    }


def test_a_manifest_that_json_cannot_hold_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="object has no plain form"):
        RecordingWriter(tmp_path / "r", {"thing": object()}, **SIZE)
    assert not (tmp_path / "r").exists()


def test_an_explained_row_keeps_its_sums_exactly_and_its_nan(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path, {}, **SIZE) as writer:
        writer.add_frame(picture(0))
        writer.add_row(explained(7))
    (stored,) = Recording.load(tmp_path).rows.to_pylist()
    assert np.isnan(stored.pop("centre_column"))
    expected = explained(7)
    expected.pop("centre_column")
    no_regions = dict.fromkeys(("region_shares", "region_positive_shares", "regions_hidden", "regions_unsure"))
    assert stored == expected | {"frame_shares": [0.25, 0.75], "centre_row": 3.5, "finite": False} | no_regions


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"acton": 1}, "no column acton"),
        ({"action": None}, "lacks action"),
        ({"action": "FIRE"}, "does not fit"),
        ({"action": 70_000}, "does not fit"),
        ({"scores": 3.0}, "does not fit"),
        ({"target": 3}, "does not fit"),
        ({"terminated": 2}, "does not fit"),
    ],
)
def test_a_row_that_the_table_would_refuse_is_refused_at_once(change: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        encode_row(row(0) | change)


def test_saved_maps_are_the_float16_of_what_was_handed_in(tmp_path: Path) -> None:
    maps = np.random.default_rng(0).normal(size=(30, 4, 8, 8)).astype(np.float32)
    maps[3, 0, 0, 0], maps[4, 0, 0, 0] = np.nan, 1e9
    with RecordingWriter(tmp_path, {}, **SIZE, save_relevance=True) as writer:
        for number, values in enumerate(maps):
            writer.add_frame(picture(number))
            writer.add_row(row(number))
            writer.add_relevance(values)
    path = Recording.load(tmp_path).relevance
    assert path is not None
    with h5py.File(path) as file:
        stored = file["relevance"]
        assert stored.chunks == (1, 4, 8, 8)
        assert np.array_equal(stored[:], maps.clip(-65504, 65504).astype(np.float16), equal_nan=True)


def test_the_thumbnail_is_the_one_chosen_or_the_middle_of_the_film(tmp_path: Path) -> None:
    chosen = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    chosen[..., 0] = 200
    with RecordingWriter(tmp_path / "chosen", {}, **SIZE) as writer:
        writer.add_frame(picture(0))
        writer.set_thumbnail(chosen)
        chosen[:] = 0  # a page may be drawn anew in the same memory
    shown = cv2.imread(str(tmp_path / "chosen" / "thumbnail.png"))
    assert (shown == (0, 0, 200)).all()
    write(tmp_path / "middle", 40)
    shown = cv2.imread(str(tmp_path / "middle" / "thumbnail.png"))
    assert abs(float(shown.mean()) - 60) < 2


# --- folders --------------------------------------------------------------------------------------------------------


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RecordingError, match=r"is not empty.*--overwrite"):
        RecordingWriter(tmp_path, {}, **SIZE)
    assert content(tmp_path) == {"notes.txt": b"mine"}


def test_overwriting_replaces_a_recording_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, 25, save_relevance=True)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "folder").mkdir()
    recording = write(tmp_path, 7, overwrite=True)
    names = ["folder", "manifest.json", "notes.txt", "steps.parquet", "thumbnail.png", "video.mp4"]
    assert sorted(os.listdir(tmp_path)) == names
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (len(recording.rows), recording.facts.frame_count) == (7, 7)


def test_an_older_recording_stays_until_the_new_one_begins(tmp_path: Path) -> None:
    write(tmp_path, 25)
    before = content(tmp_path)
    RecordingWriter(tmp_path, {}, **SIZE, overwrite=True)
    writer = RecordingWriter(tmp_path, {}, **SIZE, overwrite=True)

    def fail() -> None:
        with writer:
            writer.set_thumbnail(picture(0))
            raise KeyError("no such game")

    with pytest.raises(KeyError, match="no such game"):
        fail()
    assert content(tmp_path) == before
    assert writer.close("failed").status == "failed"


def test_a_film_that_no_recording_made_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "video.mp4").write_bytes(b"holiday")
    with pytest.raises(RecordingError, match=r"holds video\.mp4 of no recording"):
        RecordingWriter(tmp_path, {}, **SIZE, overwrite=True)
    assert content(tmp_path) == {"video.mp4": b"holiday"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("manifest.json", '{"name": "my web app"}'),
        ("manifest.json", "no json"),
        ("steps.journal", "walked 3 km"),
        ("relevance.journal", "not ours"),
        ("relevance.h5", "not ours"),
        ("video.mp4.part", "half a holiday"),
    ],
)
def test_a_file_that_no_recording_made_is_refused_and_left_untouched(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(RecordingError, match=f"holds {re.escape(name)} of no recording; choose another folder"):
        RecordingWriter(tmp_path, {}, **SIZE, overwrite=True)
    assert content(tmp_path) == {name: text.encode()}


def test_a_recording_under_way_is_neither_overwritten_nor_recovered(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path, {}, **SIZE) as writer:
        writer.add_frame(picture(0))
        writer.add_row(row(0))
        other = RecordingWriter(tmp_path, {}, **SIZE, overwrite=True)
        for act in (lambda: other.add_frame(picture(0)), lambda: recover(tmp_path)):
            with pytest.raises(RecordingError, match="still being recorded"):
                act()
        with pytest.raises(RecordingError, match=f"inspector recover {tmp_path}"):
            Recording.load(tmp_path)
        writer.add_row(row(1))
    assert len(Recording.load(tmp_path).rows) == 2


@pytest.mark.parametrize("place", ["file/recording", "file"])
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match=rf"{place} cannot be written: .*; .*choose another folder"):
        RecordingWriter(tmp_path / place, {}, **SIZE)


@pytest.mark.parametrize("text", ["no json", "[]", "{}", '{"format": "inspector-recording", "status": "complete"}'])
def test_what_is_no_recording_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    for act in (Recording.load, recover):
        with pytest.raises(RecordingError, match="is no folder"):
            act(tmp_path / "nowhere")
        with pytest.raises(RecordingError, match=r"is no recording: it has no manifest\.json"):
            act(tmp_path)
    (tmp_path / "manifest.json").write_text(text)
    for act in (Recording.load, recover):
        with pytest.raises(RecordingError, match=r"manifest\.json"):
            act(tmp_path)
    assert content(tmp_path) == {"manifest.json": text.encode()}


def test_a_recording_that_lost_a_file_says_which(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "steps.parquet").unlink()
    with pytest.raises(RecordingError, match=r"lacks steps\.parquet"):
        Recording.load(tmp_path)


# --- ends -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status"), [(KeyError("x"), "failed"), (KeyboardInterrupt(), "interrupted"), (None, "complete")]
)
def test_the_end_is_told_in_the_manifest(tmp_path: Path, error: BaseException | None, status: str) -> None:
    def record() -> None:
        with RecordingWriter(tmp_path, {}, **SIZE) as writer:
            for number in range(12):
                writer.add_frame(picture(number))
                writer.add_row(row(number))
            assert json.loads((tmp_path / "manifest.json").read_text())["status"] == "recording"
            if error is not None:
                raise error

    if error is None:
        record()
    else:
        with pytest.raises(type(error)):
            record()
    recording = Recording.load(tmp_path)
    assert (recording.status, len(recording.rows), recording.facts.frame_count) == (status, 12, 12)


# Between the opening of a file and its `with`, an interrupt leaves it to the garbage collector, which warns.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_while_a_recording_closes_never_claims_more_than_there_is(tmp_path: Path) -> None:
    def writer_of(name: str) -> RecordingWriter:
        writer = RecordingWriter(tmp_path / name, {}, **SIZE, save_relevance=True)
        for number in range(40):
            writer.add_frame(picture(number))
            writer.add_row(row(number))
            writer.add_relevance(relevance(number))
        return writer

    whole = writer_of("whole")
    began = time.monotonic()
    whole.close()
    duration, statuses = time.monotonic() - began, set[str]()
    for tenth in range(10):
        writer = writer_of(str(tenth))
        if not interrupted(writer.close, duration * (tenth + 0.5) / 10):
            continue
        assert writer.closed
        status = json.loads((writer.folder / "manifest.json").read_text())["status"]
        statuses.add(status)
        if status == "recording":
            with pytest.raises(RecordingError, match=r"was interrupted; .*inspector recover"):
                writer.close()
        recovered = recover(writer.folder)
        assert (recovered.frame_count, recovered.row_count, recovered.map_count) == (40, 40, 40)
        assert read_facts(recovered.recording.video).frame_count == 40
        assert sorted(os.listdir(writer.folder)) == sorted(os.listdir(whole.folder))
    assert "recording" in statuses <= {"recording", "complete"}


def test_closing_twice_gives_the_same_and_then_nothing_more_is_taken(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path, {}, **SIZE)
    writer.add_frame(picture(0))
    assert not writer.closed
    assert writer.close("interrupted") is writer.close("complete")
    assert writer.closed
    with pytest.raises(RecordingError, match="is closed"):
        writer.add_row(row(0))


def test_a_recording_with_an_error_is_never_complete(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path, {}, **SIZE, save_relevance=True)
    writer.add_frame(picture(0))
    (tmp_path / "relevance.journal").mkdir()
    with pytest.raises(RecordingError, match=r"relevance\.journal cannot be written: Is a directory"):
        writer.add_relevance(relevance(0))
    with pytest.raises(RecordingError, match=r"relevance\.journal"):
        writer.close("complete")
    assert json.loads((tmp_path / "manifest.json").read_text())["status"] == "failed"


def test_a_recording_of_nothing_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="nothing was recorded"):
        RecordingWriter(tmp_path / "r", {}, **SIZE).close()
    assert os.listdir(tmp_path / "r") == []


# --- kills ----------------------------------------------------------------------------------------------------------

RECORDER = """
import os, sys
import numpy as np
from inspector.recording import RecordingWriter
sys.path.insert(0, os.path.dirname(sys.argv[2]))
from test_recording import SIZE, picture, relevance, row
writer = RecordingWriter(sys.argv[1], {"seed": 1}, **SIZE, save_relevance=True)
for number in range(int(sys.argv[3])):
    writer.add_frame(picture(number))
    writer.add_row(row(number))
    writer.add_relevance(relevance(number))
    os.write(1, b".")
writer.close()
"""
"""Tells of every decision that is recorded, so that whoever kills it knows what must be there."""


def start(folder: Path, count: int = 1_000_000) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", RECORDER, folder, __file__, str(count)], stdout=subprocess.PIPE)


def kill(child: subprocess.Popen[bytes], after: int, seconds: float) -> int:
    """Kill a recorder when it has told of so many decisions and some time has passed; how many it told of."""
    assert child.stdout is not None
    try:
        told = len(child.stdout.read(after))
        time.sleep(seconds)
    finally:
        child.kill()
    return told + len(child.communicate()[0])


def check_recovered(folder: Path, told: int) -> None:
    """At most a second of film is lost and not one row or map; all the rest is an ordinary recording."""
    recording = Recording.load(folder)
    assert recording.status in ("recovered", "complete")
    played = read_facts(recording.video)
    assert played.whole
    assert told - 30 <= played.frame_count <= told + 1
    numbers = range(len(recording.rows))
    assert told <= len(numbers) <= told + 1
    assert recording.rows.select(list(row(0))).to_pylist() == [row(number) for number in numbers]
    with h5py.File(folder / "relevance.h5") as file:
        maps = file["relevance"][:]
    assert told <= len(maps) <= told + 1
    assert np.array_equal(maps, np.stack([relevance(number) for number in range(len(maps))]).astype(np.float16))
    counts = recording.manifest["counts"]
    assert (counts["frames"], counts["steps"], counts["relevance_maps"]) == (
        played.frame_count,
        len(numbers),
        len(maps),
    )
    names = ["manifest.json", "relevance.h5", "steps.parquet", "thumbnail.png", "video.mp4"]
    assert sorted(os.listdir(folder)) == names


def test_a_recording_killed_at_any_moment_is_recovered_whole(tmp_path: Path) -> None:
    chance = random.Random(1)
    for trial in range(5):
        folder = tmp_path / str(trial)
        told = kill(start(folder), after=40, seconds=chance.uniform(0, 0.3))
        assert told - 30 <= read_facts(folder / "video.mp4").frame_count  # it plays before it is recovered
        with pytest.raises(RecordingError, match=f"inspector recover {folder}"):
            Recording.load(folder)
        recovered = recover(folder)
        check_recovered(folder, told)
        assert not recovered.was_finished
        assert recovered.row_count == len(recovered.recording.rows)


def test_a_recording_killed_while_it_closes_is_whole_or_recovered(tmp_path: Path) -> None:
    chance = random.Random(2)
    for trial in range(3):
        folder = tmp_path / str(trial)
        told = kill(start(folder, count=60), after=60, seconds=chance.uniform(0, 0.06))
        assert told == 60
        recover(folder)
        check_recovered(folder, told)


def test_recovering_twice_does_nothing_more(tmp_path: Path) -> None:
    kill(start(tmp_path), after=40, seconds=0)
    first = recover(tmp_path)
    before = content(tmp_path)
    second = recover(tmp_path)
    assert second.was_finished
    assert second.recording.manifest == first.recording.manifest
    assert content(tmp_path) == before


def test_journals_that_a_kill_left_beside_a_finished_recording_are_removed(tmp_path: Path) -> None:
    write(tmp_path)
    before = content(tmp_path)
    for name in ("steps.journal", "relevance.journal"):
        (tmp_path / name).write_bytes(b"rows that stand in the table")
    assert len(Recording.load(tmp_path).rows) == 25
    assert recover(tmp_path).was_finished
    assert content(tmp_path) == before


def test_a_half_written_row_and_fragment_are_cut_off(tmp_path: Path) -> None:
    told = kill(start(tmp_path), after=50, seconds=0)
    journal, film = tmp_path / "steps.journal", tmp_path / "video.mp4"
    rows, frames = len(list(read_journal(journal))), read_facts(film).frame_count
    journal.write_bytes(journal.read_bytes() + encode_row(row(99))[:50])
    pictures = film.read_bytes()
    index = pictures.index(b"moof") - 4
    film.write_bytes(pictures + pictures[index : index + int.from_bytes(pictures[index : index + 4], "big") - 35])
    with pytest.raises(RecordingError, match="no film that can be read"):
        read_facts(film)
    recovered = recover(tmp_path)
    assert (recovered.row_count, recovered.torn_bytes, recovered.frame_count) == (rows, 50, frames)
    check_recovered(tmp_path, told)


def test_a_recording_killed_before_its_first_second_keeps_its_rows(tmp_path: Path) -> None:
    told = kill(start(tmp_path), after=3, seconds=0)
    recovered = recover(tmp_path)
    assert recovered.row_count >= told
    assert len(Recording.load(tmp_path).rows) == recovered.row_count


# --- disks ----------------------------------------------------------------------------------------------------------

LIMITED = """
import json, os, resource, sys
sys.path.insert(0, os.path.dirname(sys.argv[1]))
from test_recording import SIZE, explained
from inspector.recording import RecordingWriter
import numpy as np

def record(folder, limit, heavy):
    noise, told = np.random.default_rng(0), {"rows": 0, "maps": 0, "frames": 0}
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        maps = heavy == "maps"
        with RecordingWriter(folder, {"text": "x" * 1500}, **SIZE, save_relevance=maps, overwrite=True) as writer:
            for number in range(50):
                writer.add_row(explained(number) | {"action_name": "F" * (4000 if heavy == "rows" else 4)})
                told["rows"] += 1
                writer.add_relevance(noise.normal(size=(4, 30, 30)).astype(np.float32))
                told["maps"] += maps
                writer.add_frame(noise.integers(0, 255 if heavy == "film" else 2, (64, 96, 3), dtype=np.uint8))
                told["frames"] += 1
    except Exception as error:
        told["error"] = f"{type(error).__name__}: {error}"
    return told

heavy, folder, *limits = sys.argv[2:]
print(json.dumps([record(f"{folder}/{limit}", int(limit), heavy) for limit in limits]))
"""
"""Recordings on a disk of so many bytes a file: a real limit of the system, in a process of its own."""


def record_limited(folder: Path, heavy: str, limits: list[int]) -> list[dict[str, Any]]:
    code = [sys.executable, "-c", LIMITED, __file__, heavy, folder, *map(str, limits)]
    result: list[dict[str, Any]] = json.loads(subprocess.run(code, stdout=subprocess.PIPE, check=True).stdout)
    return result


@pytest.mark.parametrize("heavy", ["film", "rows", "maps"])
def test_a_disk_that_fills_up_at_any_byte_costs_a_second_at_most_and_claims_nothing(tmp_path: Path, heavy: str) -> None:
    limits = [1000, *range(2500, 280_000, 22_000), 10_000_000]
    *full, whole = record_limited(tmp_path, heavy, limits)
    assert "error" not in whole
    assert Recording.load(tmp_path / "10000000").status == "complete"
    failed = [(limit, told) for limit, told in zip(limits, full, strict=False) if "error" in told]
    assert len(failed) > 5
    for limit, told in failed:
        folder = tmp_path / str(limit)
        assert told["error"].startswith(f"RecordingError: {folder}")
        assert "cannot be written: File too large; raise the limit" in told["error"]
        if limit < 2000:  # not even the manifest fitted
            assert os.listdir(folder) == []
            continue
        status = json.loads((folder / "manifest.json").read_text())["status"]
        assert status == ("recording" if "inspector recover" in told["error"] else "failed")
        recovered = recover(folder)
        assert recovered.was_finished == (status == "failed")
        assert recovered.row_count == told["rows"]
        assert told["frames"] - 30 <= recovered.frame_count <= told["frames"] + 1
        assert recovered.map_count == told["maps"]
        assert not list(folder.glob("*.part"))


def test_a_full_disk_at_the_start_leaves_an_older_recording_as_it_is(tmp_path: Path) -> None:
    write(tmp_path / "1000", 25)
    before = content(tmp_path / "1000")
    (told,) = record_limited(tmp_path, "film", [1000])
    assert "manifest.json cannot be written: File too large" in told["error"]
    assert content(tmp_path / "1000") == before


@pytest.mark.parametrize("name", ["steps.parquet", "thumbnail.png"])
def test_a_file_that_cannot_be_renamed_into_place_keeps_everything_for_later(tmp_path: Path, name: str) -> None:
    writer = RecordingWriter(tmp_path, {}, **SIZE)
    for number in range(40):
        writer.add_frame(picture(number))
        writer.add_row(row(number))
    (tmp_path / name).mkdir()  # a folder in the way is a rename that the system refuses
    with pytest.raises(RecordingError, match=rf"{name} cannot be written: .*inspector recover {tmp_path}"):
        writer.close()
    assert json.loads((tmp_path / "manifest.json").read_text())["status"] == "recording"
    (tmp_path / name).rmdir()
    recovered = recover(tmp_path)
    assert (recovered.frame_count, recovered.row_count) == (40, 40)
    assert read_frame(recovered.recording.video, 1).shape == (HEIGHT, WIDTH, 3)
