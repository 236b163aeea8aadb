"""Measure the engine: every method in turn, in one process, each against forward + gradient of the same round.

(b) = one forward pass and `autograd.grad` of the best score with respect to the input, parameters frozen. In every
round the methods of a case come in a new random order, and each one's time is divided by that of (b) in this round.
Process CPU time is the main figure on one thread, wall time on more of them or on CUDA. Slow competitors take part in
fewer rounds.
"""

import argparse
import copy
import gc
import json
import math
import os
import platform
import random
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np
import torch
from bench_methods import (
    HALVES,
    PREPARING,
    PREPARING_GOAL,
    SEED,
    AfterForward,
    Call,
    Case,
    Goal,
    Method,
    Timing,
    cases,
    chosen,
    forward_only,
    prepared,
    wanted,
)
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn
from rich.table import Column, Table
from torch import Tensor, nn

from tests.lrp import reference_networks
from tests.lrp.networks import screens

# --- measuring ------------------------------------------------------------------------------------------------------


def timed(call: Call, calls: int, device: str) -> tuple[float, float]:
    """CPU and wall seconds of one call, as the mean of so many."""
    cpu = wall = 0.0
    for _ in range(calls):
        if isinstance(call, AfterForward):
            call.before()
        settle(device)
        cpu_start, wall_start = time.process_time(), time.perf_counter()
        call()
        settle(device)
        wall += time.perf_counter() - wall_start
        cpu += time.process_time() - cpu_start
    return cpu / calls, wall / calls


def settle(device: str) -> None:
    """Waits for what a CUDA device still does."""
    if device == "cuda":
        torch.cuda.synchronize()


def built(methods: list[Method], timings: dict[str, Timing], device: str) -> dict[str, Call]:
    """What can be called, each called once to be warm; a method that fails says why in its timing."""
    ready = {}
    for method in methods:
        try:
            call = method.build()
            timed(call, 1, device)
            ready[method.name] = call
        except Exception as error:  # whatever another tool raises: it is told in the table
            timings[method.name].failure = " ".join(f"{type(error).__name__}: {error}".split())
    return ready


def measure(case: Case, methods: list[Method], rounds: int, device: str, step: Call) -> dict[str, Timing]:
    """Every method in every round that it takes part in, in random order."""
    timings = {method.name: Timing() for method in methods}
    ready = built(methods, timings, device)
    order, half = random.Random(SEED), rounds // HALVES
    gc.disable()  # it comes between the rounds, and only to what they made
    gc.freeze()
    for number in range(rounds):
        turn = [method.name for method in methods if method.name in ready and number % half % method.every == 0]
        for name in order.sample(turn, len(turn)):
            timings[name].cpu[number], timings[name].wall[number] = timed(ready[name], case.calls, device)
        gc.collect()
        step()
    gc.unfreeze()
    gc.enable()
    return timings


class FirstCall:
    """From a network to its first explanation."""

    def __init__(self, network: nn.Module, inputs: Tensor) -> None:
        self.network, self.inputs = network, inputs
        self.explainer: Callable[[Tensor], object]

    def __call__(self) -> object:
        """Prepares, explains."""
        self.explainer = prepared(self.network, "epsilon_plus")
        return self.explainer(self.inputs)


def measure_preparing(rounds: int, device: str, step: Call) -> dict[str, Timing]:
    """Nature's network from nothing to its first map, less a later call; round -1 is the first in this process."""
    timing, network, inputs = Timing(), reference_networks.nature_scores().to(device), screens(8).to(device)
    forward_only(network, inputs)
    for number in range(-1, rounds):
        start = FirstCall(copy.deepcopy(network), inputs)
        first = timed(start, 1, device)
        later = timed(partial(start.explainer, inputs), 3, device)
        timing.cpu[number], timing.wall[number] = (a - b for a, b in zip(first, later, strict=True))
        step()
    return {PREPARING: timing}


# --- the figures ----------------------------------------------------------------------------------------------------


def figures(values: dict[int, float], rounds: int) -> dict[str, Any]:
    """Median, quartiles, and the median of each half of the rounds."""
    low, middle, high = np.percentile(list(values.values()), [25, 50, 75]).tolist()
    half = rounds // HALVES
    parts = [[value for number, value in values.items() if number // half == part] for part in range(HALVES)]
    return {"median": middle, "quartiles": [low, high], "halves": [float(np.median(part)) for part in parts]}


def row_of(case: Case, method: Method, timings: dict[str, Timing], rounds: int, clock: str) -> dict[str, Any]:
    """One line of the result; `clock` names the main figure, cpu or wall."""
    row: dict[str, Any] = {"case": case.name, "method": method.name, "note": method.note, "met": None}
    row["other_tool"] = method.name.startswith(("zennit", "captum"))
    row |= {"must": method.goal.must, "aim": method.goal.aim, "must_times_zennit": method.goal.faster}
    own, other = timings[method.name], timings[method.relative_to]
    failure = own.failure or other.failure
    if failure:
        return row | {"failure": failure}
    for name in ("cpu", "wall"):
        times, divisors = getattr(own, name), getattr(other, name)
        row[name] = figures({number: seconds / divisors[number] for number, seconds in times.items()}, rounds)
        row[name]["ms"] = 1000 * float(np.median(list(times.values())))
    row["decisions_per_second"] = 1000 * case.batch / row[clock]["ms"]
    return row | {"unit": method.relative_to, "rounds": len(own.cpu), "calls": case.calls}


def add_verdicts(rows: list[dict[str, Any]], methods: list[Method], clock: str) -> None:
    """How many times faster than zennit, and which goals are met, by the worse of the two halves."""
    by_name = {row["method"]: row for row in rows}
    for method in methods:
        row, rival = by_name[method.name], by_name.get(method.rival or "", {})
        if clock not in row:
            continue
        if clock in rival:
            row["times_zennit"] = rival[clock]["median"] / row[clock]["median"]
            pairs = zip(rival[clock]["halves"], row[clock]["halves"], strict=True)
            row["times_zennit_halves"] = [theirs / its for theirs, its in pairs]
        row["met"] = verdict(method.goal, max(row[clock]["halves"]), min(row.get("times_zennit_halves", [math.nan])))


def verdict(goal: Goal, ratio: float, faster: float) -> str | None:
    """`aim`, `must` or `missed`; None where nothing is asked."""
    if goal == Goal():
        return None
    if (goal.must is not None and ratio > goal.must) or (goal.faster is not None and not faster >= goal.faster):
        return "missed"
    if goal.aim is not None and ratio > goal.aim:
        return "missed" if goal.must is None else "must"
    return "must" if goal.aim is None else "aim"


def preparing_row(timings: dict[str, Timing], rounds: int, clock: str) -> dict[str, Any]:
    """The line about preparing, in milliseconds."""
    row: dict[str, Any] = {
        "case": "nature",
        "method": PREPARING,
        "unit": "ms",
        "must": PREPARING_GOAL.must,
        "rounds": rounds,
    }
    for name in ("cpu", "wall"):
        times = {number: 1000 * seconds for number, seconds in getattr(timings[PREPARING], name).items()}
        row[name] = {"first_in_process": times.pop(-1)} | figures(times, rounds)
    row["note"] = f"ms; first in a process {row[clock]['first_in_process']:.0f}"
    return row | {"met": verdict(PREPARING_GOAL, max(row[clock]["halves"]), 0.0)}


def best_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each network and method the batch size that explains most decisions a second."""
    best: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        key = (row["case"].split("/")[0], row["method"])
        if row.get("decisions_per_second", 0) > best.get(key, {}).get("decisions_per_second", 0):
            best[key] = row
    return list(best.values())


# --- printing -------------------------------------------------------------------------------------------------------

VERDICTS = {"aim": "[green]aim met[/]", "must": "[yellow]must met[/]", "missed": "[red]missed[/]", None: ""}


def table_of(rows: list[dict[str, Any]], clock: str, title: str) -> Table:
    """The rows for people."""
    table = Table(
        "case",
        Column("method", no_wrap=True),
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
    )
    other = "wall" if clock == "cpu" else "cpu"
    for name in (f"{clock}/(b)", "quartiles", "two halves", f"{other}/(b)", "ms", "per s", "× zennit", "must", "aim"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("rounds", justify="right")
    table.add_column("note", style="dim")
    shown = None
    for row in rows:
        if row["case"] != shown:
            table.add_section()
        cells = failed_cells(row) if "failure" in row else cells_of(row, clock)
        table.add_row("" if row["case"] == shown else row["case"], row["method"], *cells)
        shown = row["case"]
    return table


def failed_cells(row: dict[str, Any]) -> list[str]:
    """A row without figures says why."""
    return [""] * 11 + [f"[red]no figures:[/] {escape(shorten(row['failure'], 70))}"]


def cells_of(row: dict[str, Any], clock: str) -> list[str]:
    """What stands behind a row's name."""
    main, other = row[clock], row["wall" if clock == "cpu" else "cpu"]
    in_ms = row["unit"] == "ms"
    digits = 0 if in_ms else 2
    low, high = (f"{value:.{digits}f}" for value in main["quartiles"])
    halves = "  ".join(f"{value:.{digits}f}" for value in main["halves"])
    speed = [f"{main['median']:.{digits}f}", f"{low}–{high}", halves, f"{other['median']:.{digits}f}"]
    per_second = row.get("decisions_per_second", 0.0)
    absolute = ["", ""] if in_ms else [f"{main['ms']:.1f}", f"{per_second:,.{int(per_second < 100)}f}"]
    factor = f"{row['times_zennit']:.1f}" if "times_zennit" in row else ""
    if factor and row["must_times_zennit"]:  # what the verdict is by
        factor = "  ".join(f"{value:.2f}" for value in row["times_zennit_halves"])
    asked = {"must": "≤ {:g}", "must_times_zennit": "{:g}×", "aim": "≤ {:g}"}
    told = {key: form.format(row[key]) if row.get(key) is not None else "" for key, form in asked.items()}
    must = ", ".join(filter(None, (told["must"], told["must_times_zennit"])))
    return [*speed, *absolute, factor, must, told["aim"], VERDICTS[row["met"]], str(row["rounds"]), row["note"]]


def print_tables(result: dict[str, Any]) -> None:
    """All for people; as wide as it needs where nobody looks at a terminal."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    place, clock = result["machine"], result["clock"]
    title = "{device}, {threads} of {cores} cores, torch {torch}, load {load[0]}".format(**place)
    console.print(table_of(result["rows"], clock, f"{title}, {result['load_after'][0]} at the end"))
    if "best" in result:
        console.print(table_of(result["best"], clock, "At the batch size that explains most decisions a second"))
    console.print(
        f"Times by the {clock} clock, divided by (b) of the same round; the median of all rounds, its quartiles, and "
        "the medians of the first and of the second half. ms and decisions per s are medians too. A goal is met if "
        "both halves meet it.",
        style="dim",
    )


def machine(device: str, threads: int) -> dict[str, Any]:
    """What was measured on."""
    info = Path("/proc/cpuinfo")  # Linux only
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(": ")[-1] for line in lines if line.startswith("model name")]
    name = torch.cuda.get_device_name() if device == "cuda" else (models or [platform.machine()])[0]
    load = [round(value, 2) for value in os.getloadavg()]
    return {"device": name, "cores": os.cpu_count(), "threads": threads, "torch": torch.__version__, "load": load}


# --- the command ----------------------------------------------------------------------------------------------------


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; 1 if the engine itself failed on a network, 2 if nothing can be measured as asked."""
    device, clock = arguments.device, "cpu" if arguments.device == "cpu" and arguments.threads == 1 else "wall"
    if device == "cuda" and not torch.cuda.is_available():
        return refuse("torch sees no CUDA device here; leave --device away to measure on the CPU")
    torch.set_num_threads(arguments.threads)
    before = machine(device, arguments.threads)
    rows = measured_rows(device, arguments.only, arguments.rounds, clock)
    if not rows:
        return refuse(f"no row is named {' or '.join(arguments.only)}; try --only nature/8")
    result = {"machine": before, "load_after": machine(device, arguments.threads)["load"], "clock": clock, "rows": rows}
    if device == "cuda":
        result["best"] = best_rows(rows)
    if arguments.json:
        print(json.dumps(result, allow_nan=False))
    else:
        print_tables(result)
    return int(any("failure" in row and not row["other_tool"] for row in rows))


def refuse(message: str) -> int:
    """Says what cannot be done."""
    print(f"bench engine: {message}", file=sys.stderr)
    return 2


def measured_rows(device: str, patterns: list[str], rounds: int | None, clock: str) -> list[dict[str, Any]]:
    """Everything that is asked for, case by case, with a bar on stderr."""
    rows: list[dict[str, Any]] = []
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        if wanted(f"nature/{PREPARING}", patterns):
            count = rounds or 12
            bar = progress.add_task(PREPARING, total=count + 1)
            rows.append(preparing_row(measure_preparing(count, device, partial(progress.advance, bar)), count, clock))
        for case in cases(device):
            count = rounds or case.rounds
            if not (methods := chosen(case.name, case.methods(), patterns)):
                continue
            bar = progress.add_task(case.name, total=count)
            timings = measure(case, methods, count, device, partial(progress.advance, bar))
            of_case = [row_of(case, method, timings, count, clock) for method in methods]
            add_verdicts(of_case, methods, clock)
            rows += of_case
    return rows
