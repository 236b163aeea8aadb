"""Probe sets: kept in files bit by bit, compared with agents, chosen evenly."""

import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inspector.errors import UsageError
from inspector.probe import ProbeSet, State, stratified, without_repeats
from inspector.probe_file import read_probe, save_probe
from inspector.records import Preprocessing, Region

RECIPE = Preprocessing()


def state(number: int, source: int = 0, phase: str = "start") -> State:
    generator = np.random.default_rng(number)
    ball = Region("ball", ((int(generator.integers(150)), 100.5, 2, 4),), sure=number % 2 == 0)
    regions = (ball, Region("paddle"))
    return State(
        generator.integers(0, 256, (4, 84, 84), np.uint8),
        generator.integers(0, 256, (210, 160, 3), np.uint8),
        (None, regions, regions, (replace(ball, sure=True), Region("paddle", ((9, 189, 16, 4), (30, 189, 1, 1))))),
        source,
        number // 3,
        number,
        phase,
    )


def probe(count: int = 7) -> ProbeSet:
    states = tuple(state(number) for number in range(count))
    return ProbeSet("ALE/Breakout-v5", RECIPE, ("ball", "paddle"), states, {"seed": 3})


def test_a_probe_set_comes_back_as_it_was(tmp_path: Path) -> None:
    before = probe()
    save_probe(before, tmp_path / "probe.npz")
    after = read_probe(tmp_path / "probe.npz")
    assert after.digest == before.digest
    assert (after.environment, after.preprocessing, after.names, after.facts) == (
        "ALE/Breakout-v5",
        RECIPE,
        ("ball", "paddle"),
        {"seed": 3},
    )
    for one, other in zip(before.states, after.states, strict=True):
        assert np.array_equal(one.observation, other.observation) and np.array_equal(one.screen, other.screen)
        assert one.regions == other.regions
        assert (one.source, one.episode, one.step, one.phase) == (other.source, other.episode, other.step, other.phase)


def test_the_file_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("one", "other"):
        save_probe(probe(), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_any_change_changes_the_digest() -> None:
    one, (first, *others) = probe(), probe().states
    changed = [
        replace(one, states=one.states[1:]),
        replace(one, environment="ALE/Pong-v5"),
        replace(one, facts={"seed": 4}),
        replace(one, states=(replace(first, phase="end"), *others)),
        replace(one, states=(replace(first, regions=(None,) * 4), *others)),
        replace(one, states=(replace(first, observation=first.observation ^ 1), *others)),
    ]
    assert len({each.digest for each in (one, *changed)}) == 1 + len(changed)


def test_covers_stand_at_the_time_of_each_stacked_frame() -> None:
    oldest, second, third, newest = probe(1).covers[0]
    assert oldest.counts == (0, 0)
    assert second is third
    assert second.counts[0] and not second.counts[1]
    assert newest.counts[1]


def test_another_game_or_another_way_of_seeing_is_refused() -> None:
    one = probe()
    for name in ("BreakoutNoFrameskip-v4", "BreakoutDeterministic-v4", "Breakout-v4"):
        one.check(name, replace(RECIPE, sticky=0.25, noop_max=0))
    with pytest.raises(UsageError, match=r"the probe set is of ALE/Breakout-v5, and the agents play ALE/Pong-v5"):
        one.check("ALE/Pong-v5", RECIPE)
    with pytest.raises(UsageError, match=r"made with grey ale, and the agents want rgb"):
        one.check("ALE/Breakout-v5", replace(RECIPE, grey="rgb"))


def test_a_file_that_is_no_probe_set_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "probe.npz"
    with pytest.raises(UsageError, match="there is no probe set"):
        read_probe(path)
    path.write_bytes(b"nothing")
    with pytest.raises(UsageError, match="is no probe set, or damaged"):
        read_probe(path)
    np.savez(path, header=np.frombuffer(b'{"format": 99}', np.uint8))
    with pytest.raises(UsageError, match="its format is 99, and 1 is read"):
        read_probe(path)
    np.savez(path, header=np.array([{}], dtype=object))
    with pytest.raises(UsageError, match="is no probe set, or damaged"):
        read_probe(path)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("observations", lambda each: each[:, :2], "its recipe says otherwise"),
        ("screens", lambda each: each[..., 0], r"screens are uint8 \(7, 210, 160\)"),
        ("screens", lambda each: each.astype(float), "screens are float64"),
        ("boxes", lambda each: each * np.nan, "a box has an edge that is no number"),
        ("origins", lambda each: each[:, :2], "not enough values"),
    ],
)
def test_arrays_that_no_states_could_have_are_refused(
    tmp_path: Path, name: str, change: Callable[[np.ndarray], np.ndarray], message: str
) -> None:
    path = tmp_path / "probe.npz"
    save_probe(probe(), path)
    with np.load(path) as stored:
        arrays = dict(stored)
    np.savez(path, **{**arrays, name: change(arrays[name])})
    with pytest.raises(UsageError, match=message):
        read_probe(path)


@pytest.mark.parametrize("cut", [0.3, 0.7, 0.999])
def test_a_torn_file_is_refused(tmp_path: Path, cut: float) -> None:
    path = tmp_path / "probe.npz"
    save_probe(probe(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(cut * len(whole))])
    with pytest.raises(UsageError, match="is no probe set, or damaged"):
        read_probe(path)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "probe.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.npy", "w", force_zip64=True) as file,
    ):
        for _ in range(2100):
            file.write(bytes(2**20))
    with pytest.raises(UsageError, match="it unpacks to more than 2 GiB"):
        read_probe(path)


@pytest.mark.parametrize("flag", [0x01, 0x20])
def test_a_damaged_file_is_refused_wherever_a_byte_is_wrong(tmp_path: Path, flag: int) -> None:
    """In what is packed, in the numbers about it, and in flags that say it is encrypted or patched."""
    path = tmp_path / "probe.npz"
    save_probe(probe(2), path)
    whole = path.read_bytes()
    flags = whole.index(b"PK\x01\x02") + 8
    for place, bit in [(flags, flag), *((place, 0xFF) for place in range(60, 4000, 97))]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        with pytest.raises(UsageError, match="is no probe set, or damaged"):
            read_probe(path)


def test_an_episode_that_was_played_twice_is_taken_once() -> None:
    """Without chance in the game, the no-ops or the agent, every game is the same: three of them say what one does."""
    games = [[state(number) for number in range(6)], [state(number) for number in range(6, 12)]]
    played = [
        replace(one, episode=episode) for episode, game in enumerate([games[0], games[0], games[1]]) for one in game
    ]
    assert list(without_repeats(iter(played))) == [*played[:6], *played[12:]]


def test_a_probe_set_too_large_to_be_read_again_is_refused_before_it_is_written(tmp_path: Path) -> None:
    whole = replace(probe(1), states=probe(1).states * 17_000)
    with pytest.raises(
        UsageError, match=r"17,000 states take 2\.\d GiB, .* 2 GiB at most: ask for at most 16,\d\d\d, by"
    ):
        save_probe(whole, tmp_path / "probe.npz")
    assert not list(tmp_path.iterdir())


def test_two_runs_that_share_a_count_of_frames_are_two_sources() -> None:
    """As many states are taken of one that offers few."""
    few = [replace(state(number, source=400), episode=1000 + number) for number in range(10)]
    many = [replace(state(number, source=400), episode=number % 5) for number in range(10, 60)]
    chosen = stratified([*many, *few], 20, seed=1)
    assert sum(one.episode >= 1000 for one in chosen) == 10


def test_states_are_chosen_evenly_from_sources_and_phases() -> None:
    states = [state(number, number % 2, "rare" if number < 4 else "common") for number in range(60)]
    chosen = stratified(states, 20, seed=1)
    assert len(chosen) == 20
    counts = {
        key: sum((one.source, one.phase) == key for one in chosen)
        for key in [(0, "rare"), (1, "rare"), (0, "common"), (1, "common")]
    }
    assert counts == {(0, "rare"): 2, (1, "rare"): 2, (0, "common"): 8, (1, "common"): 8}
    assert [(one.source, one.episode, one.step) for one in chosen] == sorted(
        (one.source, one.episode, one.step) for one in chosen
    )
    again = stratified(states, 20, seed=1)
    assert [one.step for one in again] == [one.step for one in chosen]
    assert [one.step for one in stratified(states, 20, seed=2)] != [one.step for one in chosen]
    assert len(stratified(states, 1000, seed=1)) == 60
