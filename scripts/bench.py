"""Measure the recorder: time against the game's own, cost of explaining, memory over length.

scripts/bench record                 # 2,000 steps with and without explanation, in turn, three rounds
scripts/bench memory --steps 20000   # resident memory at 2,000 steps and at the end of one recording
"""

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PAGE_BYTES = 4096


def resident_mib() -> float:
    """Memory of this process that lies in RAM (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES / 2**20


def record_once(agent: str, steps: int, explain: bool, marks: tuple[int, ...]) -> dict[str, Any]:
    """One recording in this process: its wall time, the game's own time, memory at the marks."""
    import torch

    import inspector

    torch.set_num_threads(1)
    loaded = inspector.load_agent(agent)
    memory: dict[int, float] = {}

    def watch(progress: Any) -> None:
        if progress.steps in marks:
            memory[progress.steps] = resident_mib()

    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        recording = inspector.record(loaded, steps=steps, explain=explain, output=Path(folder) / "r", on_progress=watch)
        wall = time.perf_counter() - start
        frames = recording.manifest["counts"]["frames"]
    return {"wall_seconds": wall, "game_seconds": frames / 30, "memory_mib": memory}


def in_child(*arguments: Any) -> dict[str, Any]:
    """Run `record_once` in a fresh process, so that no run warms another."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(record_once, arguments)


def bench_record(arguments: argparse.Namespace) -> dict[str, Any]:
    """Recordings with and without explanation in turn; ratios pair by pair."""
    pairs = []
    for number in range(arguments.rounds):
        runs = {explain: in_child(arguments.agent, arguments.steps, explain, ()) for explain in (True, False)}
        pairs.append(runs)
        speed = runs[True]["game_seconds"] / runs[True]["wall_seconds"]
        print(f"round {number + 1}: {speed:.2f} x real time, explained", file=sys.stderr)
    speeds = [runs[True]["game_seconds"] / runs[True]["wall_seconds"] for runs in pairs]
    plain = [runs[False]["game_seconds"] / runs[False]["wall_seconds"] for runs in pairs]
    costs = [runs[True]["wall_seconds"] / runs[False]["wall_seconds"] for runs in pairs]
    return {
        "steps": arguments.steps,
        "times_real_time": statistics.median(speeds),
        "times_real_time_without_explanation": statistics.median(plain),
        "explained_to_unexplained": statistics.median(costs),
        "rounds": [{"times_real_time": a, "explained_to_unexplained": b} for a, b in zip(speeds, costs, strict=True)],
    }


def bench_memory(arguments: argparse.Namespace) -> dict[str, Any]:
    """Resident memory early and late in one long recording."""
    early, late = min(2000, arguments.steps // 2), arguments.steps - 1
    memory = in_child(arguments.agent, arguments.steps, True, (early, late))["memory_mib"]
    growth = memory[late] / memory[early] - 1
    return {"steps": [early, late], "resident_mib": [memory[early], memory[late]], "growth": growth}


def main() -> int:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, function, steps in (("record", bench_record, 2000), ("memory", bench_memory, 20_000)):
        one = commands.add_parser(name, help=function.__doc__)
        one.add_argument("agent", nargs="?", default="breakout")
        one.add_argument("--steps", type=int, default=steps)
        one.add_argument("--rounds", type=int, default=3)
        one.add_argument("--json", action="store_true")
        one.set_defaults(function=function)
    arguments = parser.parse_args()
    result = arguments.function(arguments)
    if arguments.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name.replace('_', ' '):40} {value if not isinstance(value, float) else f'{value:.3f}'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
