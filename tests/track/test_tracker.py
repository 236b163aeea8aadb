"""A whole track of a real training run, small: tables, resuming after a kill, bad input."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from inspector.errors import InspectorError, RecordingError, UsageError
from inspector.load import CheckpointSeries, open_series
from inspector.probe_file import save_probe
from inspector.sweep import Failure, Progress, Unit
from inspector.sweep.run import Processes
from inspector.track.checks import checked_series
from inspector.track.plan import Settings
from inspector.track.summary import summary
from inspector.track.tracker import Track, track
from inspector.track.work import Explaining, explain_probe

SETTINGS = Settings(
    (Explaining("epsilon_plus", "score"), Explaining("epsilon", "contrast")),
    probe_states=16,
    seeds=(0, 1),
    max_steps=60,
    random_networks=4,
    atoms=True,
)
TABLES = ("attention.parquet", "games.parquet", "probe.npz")


def three(name: str = "breakout") -> CheckpointSeries:
    """The first, one in the middle and the last checkpoint of a bundle."""
    whole = open_series(name)
    middle = whole.members[len(whole.members) // 2]
    return replace(whole, members=(whole.members[0], middle, whole.members[-1]))


@pytest.fixture(scope="module")
def series() -> CheckpointSeries:
    return three()


@pytest.fixture(scope="module")
def found(series: CheckpointSeries, tmp_path_factory: pytest.TempPathFactory) -> Track:
    return track([series], SETTINGS, tmp_path_factory.mktemp("track"), Processes(2))


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in TABLES}


def test_every_checkpoint_region_and_measure_has_its_row(found: Track, series: CheckpointSeries) -> None:
    rows = [row for row in rows_of(found) if not row["measure"].startswith("atom")]
    assert {row["region"] for row in rows} == {*found.probe.names, "background"}
    frames = {member.frames for member in series.members}
    assert {row["frames"] for row in rows if row["source"] == "probe"} == frames
    assert {row["frames"] for row in rows if row["source"] == "play"} == frames
    assert {row["frames"] for row in rows if row["source"] in ("random", "area", "null")} == {None}
    assert {(row["composite"], row["target"]) for row in rows} == {("epsilon_plus", "score"), ("epsilon", "contrast")}
    groups: dict[tuple[object, ...], float] = {}
    for row in rows:
        if row["measure"].endswith("share") and row["stacked_frame"] is None and row["source"] != "null":
            key = tuple(row[name] for name in ("frames", "source", "composite", "target", "measure"))
            groups[key] = groups.get(key, 0.0) + row["mean"]
            assert row["low"] - 1e-12 <= row["mean"] <= row["high"] + 1e-12
    # Two shares: of two explanations on the states and under untrained networks, of one in play; and one by area.
    assert len(groups) == 2 * (2 * 3 + 2 + 3) + 2
    assert list(groups.values()) == pytest.approx([1.0] * len(groups))


def rows_of(found: Track) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(found.folder / "attention.parquet").to_pylist()
    return rows


def test_the_null_line_of_the_table_is_what_onsets_were_judged_by(found: Track) -> None:
    main = {"composite": "epsilon_plus", "target": "score", "source": "null"}
    null = [row["mean"] for row in rows_of(found) if main.items() <= row.items()]
    curve = found.series[0].curves[0]
    assert null == pytest.approx(np.maximum(curve.area, curve.random))
    for name, one in curve.onsets.items():
        number = curve.names.index(name)
        above = curve.share[:, number] > null[number]
        assert (one.frames is not None) == above[-1]


def test_states_under_several_untrained_networks_are_of_the_same_episodes(found: Track) -> None:
    of = {source: [row for row in rows_of(found) if row["source"] == source] for source in ("random", "probe")}
    assert {row["episodes"] for row in of["random"] if row["measure"] == "positive_share"} == {
        row["episodes"] for row in of["probe"] if row["measure"] == "positive_share"
    }


def test_atoms_stand_beside_the_shares_of_every_checkpoint(found: Track, series: CheckpointSeries) -> None:
    rows = [row for row in rows_of(found) if row["measure"].startswith("atom")]
    assert {(row["composite"], row["target"]) for row in rows} == {("z_plus", "score")}
    assert {row["frames"] for row in rows} == {None, *(member.frames for member in series.members)}
    last = {row["region"]: row["mean"] for row in rows if row["frames"] == series.members[-1].frames}
    assert last["ball"] > last["bricks"] > 0.0  # per pixel, a ball holds more than a wall
    assert "ball + paddle" in last


def test_games_are_played_with_the_same_seeds_by_all(found: Track, series: CheckpointSeries) -> None:
    rows = found.games.to_pylist()
    assert [(row["frames"], row["seed"]) for row in rows] == [
        (m.frames, seed) for m in series.members for seed in (0, 1)
    ]
    assert all(row["length"] == 60 and not row["finished"] for row in rows)


def test_attention_moves_from_the_wall_to_ball_and_paddle(found: Track) -> None:
    """What the trained agent of the bundle is known for, in the right direction even on a few states."""
    (one,) = found.series
    curve = one.curves[0]
    ball, paddle, bricks = (curve.share[:, curve.names.index(name)] for name in ("ball", "paddle", "bricks"))
    assert ball[-1] > 5 * ball[0] and paddle[-1] > 5 * paddle[0] and bricks[-1] < bricks[0] / 2
    assert curve.share.sum(1) == pytest.approx(1.0)
    assert curve.area.sum() == pytest.approx(1.0)
    text = "\n".join(summary(found))
    assert "3 checkpoints, 16 states, epsilon_plus" in text


def test_nothing_is_done_twice_and_the_tables_are_the_same(
    found: Track, series: CheckpointSeries, tmp_path: Path
) -> None:
    def nobody(units: Sequence[Unit]) -> object:
        raise AssertionError(f"{len(units)} units are done again")

    before = contents(found.folder)
    again = track([series], SETTINGS, found.folder, nobody, resume=True)  # type: ignore[arg-type]
    assert contents(found.folder) == before
    assert summary(again) == summary(found)


def test_a_fresh_track_in_one_process_gives_the_same_tables(
    found: Track, series: CheckpointSeries, tmp_path: Path
) -> None:
    track([series], SETTINGS, tmp_path / "fresh", Processes(1), probe=found.folder / "probe.npz")
    assert contents(tmp_path / "fresh") == contents(found.folder)


def test_a_killed_track_goes_on_where_it_was(found: Track, tmp_path: Path) -> None:
    """Kill -9 in the middle, then resume: no finished unit is done again, and the tables are those of a whole run."""
    folder = tmp_path / "killed"
    code = (
        "from tests.track.test_tracker import *\n"
        f"track([three()], SETTINGS, Path({str(folder)!r}), Processes(1), resume=True)\n"
    )
    if __name__ != "__main__":  # the processes of the pool import this very module
        process = subprocess.Popen(
            [sys.executable, "-c", f"if __name__ == '__main__':\n    exec({code!r})"],
            cwd=Path(__file__).parents[2],
            start_new_session=True,
        )
        deadline = time.monotonic() + 120
        while len(list((folder / "units").glob("*.npz"))) < 8 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    finished = {path: path.stat().st_mtime_ns for path in (folder / "units").glob("*.npz")}
    assert 8 <= len(finished) < len(list((found.folder / "units").glob("*.npz")))
    assert not (folder / "attention.parquet").exists()
    done: list[str] = []
    seen: list[tuple[str, Progress]] = []
    track(
        [three()], SETTINGS, folder, Processes(2), resume=True, on_progress=lambda part, now: seen.append((part, now))
    )
    done += [now.name for _, now in seen if now.name != "found"]
    assert contents(folder) == contents(found.folder)
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert len(done) == len(list((folder / "units").glob("*.npz"))) - len(finished)


def test_a_checkpoint_that_fails_is_named_and_left_out(series: CheckpointSeries, found: Track, tmp_path: Path) -> None:
    first, middle, last = series.members
    missing = replace(middle, source=str(tmp_path / "gone"), checkpoint=replace(middle.checkpoint, sha256="0"))
    broken = replace(series, members=(first, missing, last))
    result = track([broken], SETTINGS, tmp_path / "track", Processes(1), probe=found.folder / "probe.npz")
    assert {member.frames for member in result.series[0].members} == {first.frames, last.frames}
    assert all(isinstance(failure, Failure) and "gone" in failure.reason for failure in result.failures)
    assert {"same states", "own game"} <= {
        failure.name.split(": ")[1].split(",")[0].rstrip(" 01") for failure in result.failures
    }
    named = json.loads((tmp_path / "track" / "manifest.json").read_text())["failures"]
    assert len(named) == len(result.failures) == 5


def test_a_probe_set_of_another_game_is_refused(found: Track, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is of ALE/Breakout-v5, and the agents play ALE/Pong-v5"):
        track([three("pong")], SETTINGS, tmp_path / "track", Processes(1), probe=found.folder / "probe.npz")


def test_a_probe_set_with_other_regions_than_own_play_is_refused(found: Track, tmp_path: Path) -> None:
    """Else the numbers of one would bear the names of the other's regions."""
    mine, others = tmp_path / "mine.toml", tmp_path / "others.toml"
    mine.write_text("[regions]\n" + "".join(f"{name} = [0, 0, 9, 9]\n" for name in found.probe.names))
    others.write_text(mine.read_text().replace("9, 9", "8, 8"))
    drawn = replace(found.probe, facts={"regions": mine.read_text()})
    save_probe(drawn, tmp_path / "drawn.npz")
    few = tmp_path / "few.toml"
    few.write_text("[regions]\ntop = [0, 0, 160, 30]\n")
    for probe, regions in ((found.folder / "probe.npz", few), (tmp_path / "drawn.npz", others)):
        with pytest.raises(UsageError, match=r"the probe set has other regions .* give the --regions"):
            track([three()], replace(SETTINGS, regions=regions), tmp_path / "track", Processes(1), probe=probe)
    assert not (tmp_path / "track").exists()


def test_atoms_of_more_regions_than_a_set_has_bits_are_refused(series: CheckpointSeries, tmp_path: Path) -> None:
    grid = tmp_path / "grid.toml"
    grid.write_text("[regions]\n" + "".join(f"r{number} = [{2 * number}, 0, 2, 9]\n" for number in range(70)))
    with pytest.raises(UsageError, match="ATOMs tell at most 62 regions apart, and there are 70: draw fewer"):
        track([series], replace(SETTINGS, regions=grid), tmp_path / "track", Processes(1))
    assert not (tmp_path / "track").exists()


def test_a_failure_takes_no_other_checkpoint_with_it(series: CheckpointSeries, found: Track, tmp_path: Path) -> None:
    """Two that a person calls 100 M frames."""
    first, middle, last = series.members
    almost = replace(last, checkpoint=replace(last.checkpoint, frames=100_100_000))
    gone = replace(middle, source=str(tmp_path / "gone"), checkpoint=replace(middle.checkpoint, frames=100_200_000))
    broken = replace(series, members=(first, almost, gone, last))
    settings = replace(SETTINGS, seeds=(0,))
    result = track([broken], settings, tmp_path / "track", Processes(1), probe=found.folder / "probe.npz")
    assert [member.frames for member in result.series[0].members] == [first.frames, 100_100_000, last.frames]


def test_an_explanation_that_is_named_twice_counts_once(series: CheckpointSeries, found: Track, tmp_path: Path) -> None:
    twice = tuple(Explaining("epsilon_plus", target) for target in ("left", "LEFT", "3"))
    settings = replace(SETTINGS, explanations=twice, seeds=())
    result = track([series], settings, tmp_path / "track", Processes(1), probe=found.folder / "probe.npz")
    assert result.settings.explanations == (Explaining("epsilon_plus", "3"),)
    rows = result.attention.select(["frames", "source", "region", "measure", "stacked_frame"]).to_pylist()
    assert len({tuple(row.values()) for row in rows}) == len(rows)


def test_a_probe_set_keeps_no_candidate_in_memory(found: Track) -> None:
    assert all(state.observation.base is None and state.screen.base is None for state in found.probe.states)


def test_a_probe_set_that_was_replaced_is_read_anew(found: Track, series: CheckpointSeries, tmp_path: Path) -> None:
    """A worker of Ray may see two tracks in one folder."""
    file, explaining = tmp_path / "probe.npz", Explaining("epsilon_plus", "score")
    save_probe(found.probe, file)
    whole = explain_probe(series.members[-1], file, explaining)
    save_probe(replace(found.probe, states=found.probe.states[::-1]), file)
    assert np.array_equal(explain_probe(series.members[-1], file, explaining)["scores"], whole["scores"][::-1])


def test_when_nothing_can_be_explained_nobody_plays(series: CheckpointSeries, found: Track, tmp_path: Path) -> None:
    seen: list[str] = []
    with pytest.raises(InspectorError, match=r"no checkpoint of breakout could be explained: device 'nowhere'"):
        track(
            [series],
            replace(SETTINGS, device="nowhere"),
            tmp_path / "track",
            Processes(1),
            probe=found.folder / "probe.npz",
            on_progress=lambda part, _: seen.append(part),
        )
    assert set(seen) == {"same states"}


def test_one_checkpoint_alone_is_refused(series: CheckpointSeries, tmp_path: Path) -> None:
    alone = replace(series, members=series.members[-1:])
    with pytest.raises(UsageError, match=r"has one checkpoint .* a track needs at least two"):
        track([alone], SETTINGS, tmp_path / "track", Processes(1))
    assert not (tmp_path / "track").exists()


def test_series_of_different_games_are_refused(series: CheckpointSeries, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="pong has another environment"):
        track([series, three("pong")], SETTINGS, tmp_path / "track", Processes(1))


def test_a_folder_with_something_in_it_is_left_alone(series: CheckpointSeries, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(
        RecordingError, match=r"holds something \(mine\.txt\): choose another folder, or go on with --resume"
    ):
        track([series], SETTINGS, tmp_path, Processes(1))
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_an_action_may_be_the_target_by_its_name(series: CheckpointSeries, found: Track, tmp_path: Path) -> None:
    settings = replace(SETTINGS, explanations=(Explaining("epsilon_plus", "left"),), seeds=())
    result = track([series], settings, tmp_path / "track", Processes(1), probe=found.folder / "probe.npz")
    assert result.settings.explanations == (Explaining("epsilon_plus", "3"),)
    assert all(len(returns) == 0 for returns in result.series[0].returns)
    with pytest.raises(UsageError, match="no target 'up'; there are score"):
        track(
            [series], replace(settings, explanations=(Explaining("epsilon", "up"),)), tmp_path / "other", Processes(1)
        )


def test_the_manifest_says_what_was_chosen(found: Track) -> None:
    manifest = json.loads((found.folder / "manifest.json").read_text())
    assert manifest["environment"] == "ALE/Breakout-v5"
    assert manifest["preprocessing"]["frame_skip"] == 4
    assert manifest["settings"]["seeds"] == [0, 1]
    assert manifest["probe"] == {"digest": found.probe.digest, "states": 16, "facts": dict(found.probe.facts)}
    assert [len(one["checkpoints"]) for one in manifest["series"]] == [3]
    assert set(manifest["series"][0]["attention"][0]["onsets"]) == set(found.probe.names)
    assert np.isfinite(list(manifest["seconds"].values())).all()


def test_a_series_that_is_called_as_the_second_of_two_has_a_name_of_its_own(series: CheckpointSeries) -> None:
    alike = [series, series, replace(series, name="breakout (2)"), series]
    assert [one.name for one in checked_series(alike)] == [
        "breakout", "breakout (2)", "breakout (2) (2)", "breakout (3)"
    ]  # fmt: skip


def test_series_of_the_same_name_are_told_apart(series: CheckpointSeries, found: Track, tmp_path: Path) -> None:
    """Two seeds of one setting: here the same run twice, so that both have the same numbers."""
    settings = replace(SETTINGS, explanations=SETTINGS.explanations[:1], seeds=(0,), atoms=False)
    result = track([series, series], settings, tmp_path / "track", Processes(1), probe=found.folder / "probe.npz")
    assert [one.source.name for one in result.series] == ["breakout", "breakout (2)"]
    one, other = (
        [row["mean"] for row in result.attention.to_pylist() if row["series"] == name]
        for name in ("breakout", "breakout (2)")
    )
    assert one == other
    assert len(list((result.folder / "units").glob("*.npz"))) == 3 + 4 + 3  # nothing is done twice
