"""Units of work: known by their inputs, done once, tried anew when a process dies, and named when they fail."""

import os
import signal
import time
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


def test_leaving_early_ends_the_processes(tmp_path: Path) -> None:
    results = Processes(1)(squares(tmp_path / "trace", range(40)))
    next(results)
    start = time.perf_counter()
    results.close()  # type: ignore[attr-defined]
    assert time.perf_counter() - start < 30
    assert len((tmp_path / "trace").read_text().split()) < 40


def test_a_damaged_result_is_told_and_not_used(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (unit,) = squares(tmp_path / "trace", range(1))
    store.save(unit, {"square": np.array(0)})
    (tmp_path / f"{unit.key}.npz").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(RecordingError, match=r"cannot be read: .*; delete it, and run with --resume again"):
        store.load(unit)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match="file cannot be written"):
        Store(tmp_path / "file")
