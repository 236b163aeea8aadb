"""Measure the live view: what a frame costs, what watching costs beside playing, and what a slow line makes of it.

Four parts. drawing: processor time and bytes of a frame at three sizes and four depths of colour, in real play.
ratio: play + explain + draw per decision against play with the network's forward alone, the same games in turn.
command: `inspector live` in a terminal of 200×60 that takes all it gets, at the game's own speed and flat out.
slow: the same through a line of 50 kB/s, without a buffer and behind one as ssh has it.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bench_stage import make_player
from bench_terminal import COLUMNS, ROWS, SPEED, SSH_BUFFER, watch_command, watch_slow
from rich import box
from rich.console import Console
from rich.table import Table

from inspector.atari.environment import make_environment
from inspector.live.colours import DEPTHS, Depth
from inspector.live.filming import Filming
from inspector.live.painter import Painter
from inspector.live.playing import Playing
from inspector.live.view import View
from inspector.rollout import rollout

AGENTS = ("breakout", "pong")
SIZES = ((60, 200), (30, 100), (20, 60))
WARM_DECISIONS = 300
FULL_EVERY = 4
"""One of so many frames is drawn in full too."""

TRUE_RATE = 15.0
"""Decisions a second at the game's own speed."""

MOST_CORES, LEAST_TIMES, RATE_WITHIN, MOST_AGE_MS = 0.5, 4.0, 0.02, 500.0


@contextmanager
def stage(agent: str) -> Iterator[Playing]:
    """What `inspector live` shows, with nothing recorded."""
    player = make_player(agent)
    with closing(player), tempfile.TemporaryDirectory() as folder, Filming(player, Path(folder), {}) as filming:
        yield Playing(player, filming)


# --- what a frame costs ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Window:
    """A terminal of some size and depth, and what its frames cost: milliseconds to draw, to paint, and bytes."""

    rows: int
    columns: int
    depth: Depth
    typical: list[tuple[float, float, int]] = field(default_factory=list)
    full: list[tuple[float, float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.view, self.painter = View(self.depth), Painter(self.depth)

    view: View = field(init=False)
    painter: Painter = field(init=False)

    def frame(self, playing: Playing) -> tuple[float, float, int]:
        """Bring it up to date."""
        begun = time.process_time()
        cells = self.view.draw(playing.scene, self.rows, self.columns)
        drawn = time.process_time()
        size = len(self.painter.paint(cells))
        return 1000 * (drawn - begun), 1000 * (time.process_time() - drawn), size


def measure_drawing(agent: str, decisions: int) -> list[dict[str, Any]]:
    """Every window shows every decision; the typical frame is one that changed something."""
    windows = [Window(*size, depth) for size in SIZES for depth in DEPTHS]
    with stage(agent) as playing:
        for _ in range(WARM_DECISIONS):
            playing.advance()
        for window in windows:
            window.frame(playing)
        for number in range(decisions):
            playing.advance()
            for window in windows:
                cost = window.frame(playing)
                window.typical += [cost] if cost[2] else []
                if number % FULL_EVERY == 0:
                    window.painter.forget()
                    window.full.append(window.frame(playing))
    return [drawing_row(agent, window) for window in windows]


def drawing_row(agent: str, window: Window) -> dict[str, Any]:
    """Medians, and the means of typical frames."""
    row: dict[str, Any] = {"agent": agent, "size": [window.columns, window.rows], "depth": window.depth}
    for kind in ("full", "typical"):
        costs = np.array(getattr(window, kind))
        whole = costs[:, 0] + costs[:, 1]
        row[kind] = {
            "draw_ms": float(np.median(costs[:, 0])),
            "paint_ms": float(np.median(costs[:, 1])),
            "ms": float(np.median(whole)),
            "mean_ms": float(whole.mean()),
            "bytes": float(np.median(costs[:, 2])),
            "mean_bytes": float(costs[:, 2].mean()),
        }
    return row


# --- what watching costs beside playing -----------------------------------------------------------------------------


def measure_ratio(agent: str, rounds: int, decisions: int) -> dict[str, Any]:
    """The same games played twice, some decisions each in turn: with the network's forward alone, and watched."""
    player = make_player(agent)
    alone_agent = player.agent
    player.close()
    name, recipe = str(alone_agent.facts.environment), alone_agent.preprocessing
    parts = ("play", "advance", "draw", "paint")
    spent: dict[str, list[float]] = {part: [] for part in parts}
    view, painter = View("truecolor"), Painter("truecolor")
    with stage(agent) as playing, closing(make_environment(name, recipe, alone_agent.action_count)) as environment:
        steps, same = rollout(alone_agent, environment, seed=0), True
        for number in range(-1, rounds):  # the first round makes warm
            watched, sums = [], dict.fromkeys(parts, 0.0)

            def play(sums: dict[str, float] = sums) -> list[int]:
                begun = time.process_time()
                actions = [step.decision.action for step in islice(steps, decisions)]
                sums["play"] += time.process_time() - begun
                return actions

            before = play() if number % 2 else []
            for _ in range(decisions):
                watched.append(playing.scene.decision.action)
                times = [time.process_time()]
                playing.advance()
                times.append(time.process_time())
                cells = view.draw(playing.scene, ROWS, COLUMNS)
                times.append(time.process_time())
                painter.paint(cells)
                times.append(time.process_time())
                for part, seconds in zip(parts[1:], np.diff(times).tolist(), strict=True):
                    sums[part] += seconds
            actions = before or play()
            same = same and actions == watched
            if number >= 0:
                for part in parts:
                    spent[part].append(1000 * sums[part] / decisions)
    by_part = np.array([spent[part] for part in parts])
    whole = by_part[1:].sum(0)
    low, middle, high = np.percentile(whole / by_part[0], [25, 50, 75]).tolist()
    result = {f"{part}_ms": float(np.median(each)) for part, each in zip(parts, by_part, strict=True)}
    result |= {"watched_ms": float(np.median(whole)), "ratio": middle, "quartiles": [low, high]}
    explained = float(np.median(by_part[1] / by_part[0]))
    return {"agent": agent, "rounds": rounds, "same_games": same, **result, "ratio_without_drawing": explained}


# --- printing -------------------------------------------------------------------------------------------------------


def table(title: str, *columns: str) -> Table:
    """A table as the other benches have it."""
    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for number, column in enumerate(columns):
        made.add_column(column, justify="right" if number else "left", no_wrap=True)
    return made


def verdict(met: bool) -> str:
    """Whether a bound is kept."""
    return "[green]met[/]" if met else "[red]missed[/]"


def drawing_table(rows: list[dict[str, Any]]) -> Table:
    """What a frame costs."""
    made = table(
        "A frame: ms of CPU (draw + paint), bytes; medians, and means of typical frames",
        *("game", "window", "colours", "full ms", "draw + paint", "bytes"),
        *("typical ms", "draw + paint", "mean", "bytes", "mean"),
    )
    for row in rows:
        full, typical = row["full"], row["typical"]
        cells = [f"{full['ms']:.1f}", f"{full['draw_ms']:.1f} + {full['paint_ms']:.1f}", f"{full['bytes']:,.0f}"]
        cells += [f"{typical['ms']:.1f}", f"{typical['draw_ms']:.1f} + {typical['paint_ms']:.1f}"]
        cells += [f"{typical['mean_ms']:.1f}", f"{typical['bytes']:,.0f}", f"{typical['mean_bytes']:,.0f}"]
        made.add_row(row["agent"], "{}×{}".format(*row["size"]), row["depth"], *cells)
    return made


def ratio_table(rows: list[dict[str, Any]]) -> Table:
    """What watching costs."""
    made = table(
        "A decision: ms of CPU, and the ratio to playing with the forward pass alone, in the same rounds",
        *("game", "play + forward", "play + explain", "draw", "paint", "watched", "ratio", "quartiles"),
        *("without drawing", "same games", "rounds"),
    )
    for row in rows:
        cells = [f"{row[f'{part}_ms']:.2f}" for part in ("play", "advance", "draw", "paint", "watched")]
        cells += [f"{row['ratio']:.2f}", "–".join(f"{one:.2f}" for one in row["quartiles"])]
        cells += [f"{row['ratio_without_drawing']:.2f}", "yes" if row["same_games"] else "no", str(row["rounds"])]
        made.add_row(row["agent"], *cells)
    return made


def command_table(rows: list[dict[str, Any]]) -> Table:
    """The real command."""
    made = table(
        f"inspector live in a terminal of {COLUMNS}×{ROWS} that takes all it gets",
        *("game", "speed", "cores busy", "decisions/s", "× the game's", "frames/s", "bytes/frame", "must", ""),
    )
    for row in rows:
        times = row["decisions_per_second"] / TRUE_RATE
        if row["speed"] == "max":
            must, met = f"≥ {LEAST_TIMES:g}×", times >= LEAST_TIMES
        else:
            must, met = f"< {MOST_CORES:g} cores", row["cores_busy"] < MOST_CORES
        cells = [f"{row['cores_busy']:.2f}", f"{row['decisions_per_second']:.1f}", f"{times:.2f}"]
        cells += [f"{row['frames_per_second']:.1f}", f"{row['bytes_per_frame']:,.0f}", must, verdict(met)]
        made.add_row(row["agent"], row["speed"], *cells)
    return made


def slow_table(rows: list[dict[str, Any]]) -> Table:
    """The slow line."""
    made = table(
        f"Through {SPEED // 1000} kB/s: age of a decision when it comes to be shown, ms",
        *("game", "buffer", "decisions/s", "longest gap", "", "age median", "95 %", "max", "", "oldest shown"),
        *("shown/s", "frames/s", "whole", "cells behind", "longest", "kB/s", "whole after pause"),
    )
    for row in rows:
        age, rate = row["age_ms"], row["decisions_per_second"]
        cells = [f"{rate:.2f}", f"{row['longest_gap_ms']:.0f}", verdict(abs(rate / TRUE_RATE - 1) <= RATE_WITHIN)]
        cells += [f"{age[name]:.0f}" for name in ("median", "p95", "max")] + [verdict(age["max"] < MOST_AGE_MS)]
        cells += [f"{row['oldest_shown_ms']:.0f}", f"{row['numbers_per_second']:.1f}"]
        cells += [f"{row['frames_per_second']:.1f}", f"{100 * row['sent_whole']:.0f} %"]
        cells += [
            f"{100 * row['cells_behind']:.0f} %",
            f"{row['longest_behind_seconds']:.1f} s",
            f"{row['bytes_per_second'] / 1000:.1f}",
        ]
        cells += [f"{row['whole_after_seconds']:.1f} s" if row["whole_after_pause"] else "[red]not whole[/]"]
        made.add_row(row["agent"], f"{row['buffer'] // 1000} kB" if row["buffer"] else "none", *cells)
    return made


TABLES = {"drawing": drawing_table, "ratio": ratio_table, "command": command_table, "slow": slow_table}


def measure(part: str, agent: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """One part on one game."""
    if part == "drawing":
        return measure_drawing(agent, arguments.decisions)
    if part == "ratio":
        return [measure_ratio(agent, arguments.rounds, arguments.decisions)]
    if part == "command":
        return [watch_command(agent, speed, arguments.seconds) for speed in ("1", "max")]
    return [watch_slow(agent, arguments.seconds, buffer) for buffer in (0, SSH_BUFFER)]


def run(arguments: argparse.Namespace) -> int:
    """Measure, print."""
    torch.set_num_threads(1)
    result: dict[str, Any] = {"load": os.getloadavg(), "cores": os.cpu_count()}
    for part in arguments.only or TABLES:
        result[part] = []
        for agent in arguments.agents or AGENTS:
            print(f"{part}, {agent}", file=sys.stderr)
            result[part] += measure(part, agent, arguments)
    if arguments.json:
        print(json.dumps(result))
        return 0
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    for part, made in TABLES.items():
        if part in result:
            console.print(made(result[part]))
    console.print(f"{result['cores']} cores, load {result['load'][0]:.1f} at the start", style="dim")
    return 0
