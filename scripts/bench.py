"""Measure: the engine against other tools, the recorder against the game's own time, memory over length.

scripts/bench engine                      # every explanation against forward + gradient of the same network
scripts/bench record                      # 2,000 steps with and without explanation, in turn, three rounds
scripts/bench memory --steps 20000        # resident memory at 2,000 steps and at the end of one recording
scripts/bench track                       # states a second in a track, against the engine alone
scripts/bench clips                       # a window of a video, explained and recorded, against forward + gradient
scripts/bench live                        # a frame's cost, watching against playing, and the view through a slow line
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

sys.path.insert(0, str(Path(__file__).parents[1]))  # the inspector, and the tests' networks; in child processes too

PAGE_BYTES = 4096
ENGINE_EXAMPLES = """examples:
  scripts/bench engine                                   all of it, in under eight minutes
  scripts/bench engine --only nature/8 --only impala/8   two cases
  scripts/bench engine --only 'nature/*/epsilon_plus*'   some rows, and what they are compared with
  scripts/bench engine --only nature/preparing --json    one JSON object on stdout
  scripts/bench engine --device cuda                     decisions per second at batch 32 to 4096
"""


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


def bench_record(arguments: argparse.Namespace) -> int:
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
    result = {
        "steps": arguments.steps,
        "times_real_time": statistics.median(speeds),
        "times_real_time_without_explanation": statistics.median(plain),
        "explained_to_unexplained": statistics.median(costs),
        "rounds": [{"times_real_time": a, "explained_to_unexplained": b} for a, b in zip(speeds, costs, strict=True)],
    }
    return show(result, arguments.json)


def bench_memory(arguments: argparse.Namespace) -> int:
    """Resident memory early and late in one long recording."""
    early, late = min(2000, arguments.steps // 2), arguments.steps - 1
    memory = in_child(arguments.agent, arguments.steps, True, (early, late))["memory_mib"]
    growth = memory[late] / memory[early] - 1
    result = {"steps": [early, late], "resident_mib": [memory[early], memory[late]], "growth": growth}
    return show(result, arguments.json)


def bench_engine(arguments: argparse.Namespace) -> int:
    """Every way to explain a decision, in turn, against forward + gradient."""
    from bench_engine import run

    return int(run(arguments))


def bench_track(arguments: argparse.Namespace) -> int:
    """States explained a second as a track does it, regions and file of the checkpoint included, against the engine."""
    import numpy as np
    import torch

    from inspector.atari.objects.choice import find_for
    from inspector.load import open_series
    from inspector.lrp import Explainer
    from inspector.probe import ProbeSet
    from inspector.probe_file import save_probe, states_of
    from inspector.track.work import BATCH, Explaining, collect_states, explain_probe

    torch.set_num_threads(1)
    series = open_series(arguments.agent)
    last = series.members[-1]
    played = {"seed": 1, "episodes": 3, "max_steps": 8 * arguments.states, "every": 8}
    arrays = collect_states(last, None, last.frames, **played)
    names = find_for(series.environment).names
    states = states_of(arrays, names)[: arguments.states]
    network = last.load().network
    engine = Explainer(network, "epsilon_plus", frozen=True)
    inputs = np.stack([state.observation for state in states]).astype(np.float32) / np.float32(255)
    batches = [torch.from_numpy(inputs[start : start + BATCH]) for start in range(0, len(inputs), BATCH)]
    rounds: dict[str, list[float]] = {"engine": [], "track": []}
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder) / "probe.npz"
        save_probe(ProbeSet(series.environment, series.preprocessing, names, states, {}), probe)
        explain_probe(last, probe, Explaining("epsilon_plus", "score"))  # what a process does once
        for _ in range(arguments.rounds):
            start = time.process_time()
            for batch in batches:
                engine(batch)
            middle = time.process_time()
            explain_probe(last, probe, Explaining("epsilon_plus", "score"))
            rounds["engine"].append(middle - start)
            rounds["track"].append(time.process_time() - middle)
    ratios = [alone / whole for alone, whole in zip(rounds["engine"], rounds["track"], strict=True)]
    rates = {f"states_per_second_{name}": len(states) / statistics.median(each) for name, each in rounds.items()}
    quartiles = statistics.quantiles(ratios, n=4)
    result = {"states": len(states), **rates, "track_to_engine": statistics.median(ratios), "quartiles": quartiles[::2]}
    return show(result, arguments.json)


def bench_live(arguments: argparse.Namespace) -> int:
    """The live view: a frame, watching against playing, the command in a terminal, and a slow line."""
    from bench_live import run

    return int(run(arguments))


def bench_clips(arguments: argparse.Namespace) -> int:
    """A window of a video: explained, recognised and explained, recorded; each against forward + gradient."""
    from bench_clips import run

    found = run(arguments)
    if arguments.json:
        return show(found, True)
    for agent, rows in found.items():
        print(agent)
        for name, row in rows.items():
            print(f"  {name:34} {row['median']:6.2f}  ({row['low']:.2f} to {row['high']:.2f})")
    return 0


def show(result: dict[str, Any], as_json: bool) -> int:
    """Print a result."""
    if as_json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name.replace('_', ' '):40} {value if not isinstance(value, float) else f'{value:.3f}'}")
    return 0


def even_count(text: str) -> int:
    """A number of rounds that has two halves."""
    count = int(text)
    if count < 2 or count % 2:
        raise argparse.ArgumentTypeError(f"{count} rounds have no two halves: give an even number, at least 2")
    return count


def parser() -> argparse.ArgumentParser:
    """The command line."""
    raw = argparse.RawDescriptionHelpFormatter
    whole = argparse.ArgumentParser(prog="scripts/bench", description=__doc__, formatter_class=raw)
    commands = whole.add_subparsers(required=True, metavar="engine | record | memory | track | clips | live")
    one = commands.add_parser(
        "engine",
        help=bench_engine.__doc__,
        description=bench_engine.__doc__,
        epilog=ENGINE_EXAMPLES,
        formatter_class=raw,
    )
    one.add_argument("--only", action="append", default=[], metavar="PATTERN", help="case, or case/method; repeatable")
    one.add_argument("--rounds", type=even_count, help="instead of each case's own number; even")
    one.add_argument("--threads", type=int, default=1, help="torch's; with more than one the wall clock counts (1)")
    one.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where to run (cpu)")
    one.set_defaults(function=bench_engine)
    for name, function, steps in (("record", bench_record, 2000), ("memory", bench_memory, 20_000)):
        two = commands.add_parser(name, help=function.__doc__, description=function.__doc__)
        two.add_argument("agent", nargs="?", default="breakout", help="a shipped agent's name or a folder (breakout)")
        two.add_argument("--steps", type=int, default=steps, help=f"length of a recording ({steps})")
        two.set_defaults(function=function)
        if function is bench_record:
            two.add_argument("--rounds", type=int, default=3, help="pairs of recordings (3)")
    three = commands.add_parser("track", help=bench_track.__doc__, description=bench_track.__doc__)
    three.add_argument(
        "agent", nargs="?", default="breakout", help="a series, as `inspector track` takes it (breakout)"
    )
    three.add_argument("--states", type=int, default=400, help="states in the probe set (400)")
    three.add_argument("--rounds", type=int, default=12, help="of each, in turn (12)")
    three.set_defaults(function=bench_track)
    four = commands.add_parser("live", help=bench_live.__doc__, description=bench_live.__doc__)
    four.add_argument("agents", nargs="*", metavar="AGENT", help="shipped agents' names (breakout pong)")
    parts = ("drawing", "ratio", "command", "slow")
    four.add_argument("--only", action="append", choices=parts, help="a part; repeatable (all)")
    four.add_argument("--decisions", type=int, default=60, help="drawn in every window, and in a round (60)")
    four.add_argument("--rounds", type=int, default=16, help="of playing and of watching, in turn (16)")
    four.add_argument("--seconds", type=float, default=24.0, help="so long each terminal is watched (24)")
    four.set_defaults(function=bench_live)
    five = commands.add_parser("clips", help=bench_clips.__doc__, description=bench_clips.__doc__)
    five.add_argument(
        "agents", nargs="*", default=["r3d_18", "motion-digits"], help="r3d_18, or a bundle (r3d_18 motion-digits)"
    )
    five.add_argument("--rounds", type=int, default=8, help="of every method, in turn (8)")
    five.set_defaults(function=bench_clips)
    for command in commands.choices.values():
        command.add_argument("--json", action="store_true", help="print one JSON object")
    return whole


def main() -> int:
    """Parse the command line, measure, print."""
    arguments = parser().parse_args()
    return int(arguments.function(arguments))


if __name__ == "__main__":
    sys.exit(main())
