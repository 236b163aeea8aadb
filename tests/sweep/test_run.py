"""Units of work: known by their inputs, done once, tried anew when a process dies, and named when they fail."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inspector.errors import RecordingError, UsageError
from inspector.sweep import Arrays, Progress, Store, Unit, run_units
from inspector.sweep.run import ATTEMPTS, Processes


def squared(number: int, trace: str) -> Arrays:
    with Path(trace).open("a") as file:
        file.write(f"{number}\n")
    return {"square": np.array(number**2), "process": np.array(os.getpid())}


def dies(trace: str, times: int) -> Arrays:
    """Kills its process so many times, then works."""
    with Path(trace).open("a") as file:
        file.write("x\n")
    if len(Path(trace).read_text().splitlines()) <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"done": np.array(1)}


def refuses() -> Arrays:
    raise UsageError("no such target")


def breaks() -> Arrays:
    raise ZeroDivisionError("by nothing")


def gives_objects() -> Arrays:
    return {"object": np.array([{}], dtype=object)}


def sleeps(trace: str) -> Arrays:
    """Leaves its process's number, and works for longer than anybody waits."""
    with Path(trace).open("a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(600)
    return {"done": np.array(1)}


def squares(trace: Path, numbers: range) -> list[Unit]:
    return [Unit(f"square {n}", squared, {"number": n, "trace": str(trace)}, {"number": n}) for n in numbers]


def test_results_are_kept_and_nothing_is_done_twice(tmp_path: Path) -> None:
    store, trace, seen = Store(tmp_path / "units"), tmp_path / "trace", list[Progress]()
    assert run_units(squares(trace, range(5)), store, Processes(2), seen.append) == []
    assert [(now.done, now.total) for now in seen] == [(n, 5) for n in range(1, 6)]
    assert run_units(squares(trace, range(7)), store, Processes(2)) == []
    assert sorted(map(int, trace.read_text().split())) == list(range(7))
    assert [store.load(unit)["square"].item() for unit in squares(trace, range(7))] == [n**2 for n in range(7)]


def test_a_unit_is_known_by_its_inputs_and_its_function_not_by_its_name_or_paths() -> None:
    one = Unit("a", squared, {"trace": "here"}, {"number": 3, "shape": (1, 2)})
    assert one.key == Unit("b", squared, {"trace": "there"}, {"shape": [1, 2], "number": 3}).key
    assert one.key != Unit("a", squared, {"trace": "here"}, {"number": 4, "shape": (1, 2)}).key
    assert one.key != Unit("a", refuses, {"trace": "here"}, {"number": 3, "shape": (1, 2)}).key


def test_a_unit_whose_process_dies_is_tried_again(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    unit = Unit("fragile", dies, {"trace": str(trace), "times": ATTEMPTS - 1})
    store = Store(tmp_path / "units")
    assert run_units([unit], store, Processes(1)) == []
    assert store.load(unit)["done"].item() == 1
    assert len(trace.read_text().splitlines()) == ATTEMPTS


def test_what_fails_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    units = [
        Unit("deadly", dies, {"trace": str(tmp_path / "deaths"), "times": 99}),
        Unit("refused", refuses, {}),
        Unit("broken", breaks, {}),
        Unit("objects", gives_objects, {}),
        *squares(tmp_path / "trace", range(3)),
    ]
    store = Store(tmp_path / "units")
    failures = {failure.name: failure.reason for failure in run_units(units, store, Processes(2))}
    assert set(failures) == {"deadly", "refused", "broken", "objects"}
    assert f"its process died {ATTEMPTS} times" in failures["deadly"]
    assert failures["refused"] == "no such target"
    assert failures["broken"] == "ZeroDivisionError: by nothing"
    assert "something else than numbers" in failures["objects"]
    assert all(store.has(unit) for unit in units[4:])
    assert not any(store.has(unit) for unit in units[:4])


def test_the_same_work_under_two_names_is_done_once(tmp_path: Path) -> None:
    (one,) = squares(tmp_path / "trace", range(3, 4))
    seen = list[Progress]()
    assert run_units([one, replace(one, name="again")], Store(tmp_path / "units"), Processes(2), seen.append) == []
    assert (tmp_path / "trace").read_text() == "3\n"
    assert [(now.done, now.total, now.name) for now in seen] == [(1, 1, "square 3")]


def test_leaving_early_ends_the_processes_in_the_middle_of_their_work(tmp_path: Path) -> None:
    asleep = Unit("asleep", sleeps, {"trace": str(tmp_path / "asleep")})
    results = Processes(2)([asleep, *squares(tmp_path / "trace", range(1))])
    next(results)
    (number,) = waited_for(tmp_path / "asleep", 1)
    start = time.perf_counter()
    results.close()
    assert time.perf_counter() - start < 5
    assert not runs(number)


def test_a_result_that_cannot_be_written_ends_the_work(tmp_path: Path) -> None:
    asleep = Unit("asleep", sleeps, {"trace": str(tmp_path / "asleep")})
    (one,) = squares(tmp_path / "trace", range(1))
    store = Store(tmp_path / "units")
    (store.folder / f"{one.key}.npz.part").mkdir()
    with pytest.raises(RecordingError, match="cannot be written") as refused:
        run_units([one, asleep], store, Processes(2))
    assert refused.value.__traceback__  # which keeps the frames, and must not keep the work
    assert not any(map(runs, numbers_in(tmp_path / "asleep")))


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_one_that_asks(sent: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C reaches all processes of a terminal at once; kill reaches one, which can do nothing any more."""
    units = f"[Unit(str(n), sleeps, {{'trace': {str(tmp_path / 'asleep')!r}}}, {{'n': n}}) for n in range(2)]"
    code = f"from tests.sweep.test_run import *\nrun_units({units}, Store(Path({str(tmp_path)!r})), Processes(2))"
    asking = subprocess.Popen(
        [sys.executable, "-c", f"if __name__ == '__main__':\n    exec({code!r})"],
        cwd=Path(__file__).parents[2],
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    numbers = waited_for(tmp_path / "asleep", 2)
    (os.killpg if sent == signal.SIGINT else os.kill)(asking.pid, sent)
    _, said = asking.communicate(timeout=20)
    assert asking.returncode == -sent
    assert said.count("Traceback") == (1 if sent == signal.SIGINT else 0)  # the workers say nothing
    deadline = time.monotonic() + 20
    while any(map(runs, numbers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(runs, numbers))


def waited_for(trace: Path, count: int) -> list[int]:
    """The numbers of so many processes, once all have begun."""
    deadline = time.monotonic() + 120
    while len(numbers_in(trace)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return numbers_in(trace)


def numbers_in(trace: Path) -> list[int]:
    return list(map(int, trace.read_text().split())) if trace.exists() else []


def runs(number: int) -> bool:
    """Whether a process is at work; one that has ended and that nobody has asked after is not."""
    state = Path(f"/proc/{number}/stat")
    try:
        os.kill(number, 0)
        return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


@pytest.mark.parametrize("kept", [0, 3, 40, 120])
def test_a_damaged_result_is_told_and_not_used(kept: int, tmp_path: Path) -> None:
    store = Store(tmp_path)
    (unit,) = squares(tmp_path / "trace", range(1))
    store.save(unit, {"square": np.array(0)})
    path = tmp_path / f"{unit.key}.npz"
    path.write_bytes(path.read_bytes()[:kept] + b"torn")
    with pytest.raises(RecordingError, match=r"npz is damaged: delete it, and run with --resume again"):
        store.load(unit)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match="file cannot be written"):
        Store(tmp_path / "file")
