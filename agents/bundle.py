"""Make an agent to ship out of a training run: float16 weights, agent.toml, card.md and curve.svg.

    python agents/bundle.py runs/breakout --out agents/breakout

Everything on the card comes from the run's own files: settings.json, curve.csv, evaluation.json and the checkpoints.
"""

import argparse
import hashlib
import json
import math
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ale_py
import gymnasium
import numpy as np
import torch
from ale_py.registration import rom_id_to_name
from safetensors.torch import save
from train_atari import (
    FRAME_SKIP,
    MAX_FRAMES,
    NOOP_MAX,
    SIZE,
    STACK,
    Settings,
    TrainerError,
    action_names,
    checkpoint_files,
    float16_weights,
    read_evaluations,
    read_settings,
    write,
)

WINDOW = 100
"""Training games that a point of the curve is the mean of."""


def read_curve(folder: Path) -> list[tuple[int, float, float]]:
    """Frames, mean return of the last 100 games and steps per second, of every update that the run is made of.

    The mean is NaN while fewer games had ended since the start or a resume: the first to end are the short ones.
    """
    rows: list[tuple[int, float, float]] = []
    for line in (folder / "curve.csv").read_text().splitlines():
        parts = line.split(",")
        if len(parts) == 5:
            # After a kill the run goes on from its last save: what it had made since then was lost.
            while rows and rows[-1][0] >= int(parts[0]):
                rows.pop()
            mean = float(parts[1]) if int(parts[2]) >= WINDOW else math.nan
            rows.append((int(parts[0]), mean, float(parts[4])))
    return rows


def ticks(low: float, high: float) -> list[float]:
    """About five round numbers from low to high."""
    rough = (high - low) / 5 or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    return [i * step for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def curve_svg(curve: Sequence[tuple[int, float]], marks: Sequence[dict[str, Any]]) -> str:
    """The return over training: a line of training games, and a point with its interval for each evaluation.

    The ground is left clear and every colour keeps a contrast of 3 or more on white and on near-black.
    """
    width, height, left, right, top, bottom = 720, 320, 56, 16, 34, 44
    thin = [curve[i] for i in np.linspace(0, len(curve) - 1, min(300, len(curve))).astype(int)] if curve else []
    levels = [y for _, y in thin] + [y for mark in marks for y in mark["interval"]] + [0.0]
    low, high = min(levels), max(levels) if max(levels) > min(levels) else min(levels) + 1
    last = max([x for x, _ in thin] + [mark["frames"] for mark in marks] + [1])

    def at(frames: float, value: float) -> tuple[float, float]:
        x = left + frames / last * (width - left - right)
        return round(x, 1), round(height - bottom - (value - low) / (high - low) * (height - top - bottom), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" '
        'font-size="12" fill="#7a828c">',
        "<title>Return over training</title>",
    ]
    for value in ticks(low, high):
        y = at(0, value)[1]
        parts.append(f'<path d="M{left} {y}H{width - right}" stroke="#7a828c" stroke-opacity=".3"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{value:g}</text>')
    for frames in ticks(0, last / 1e6):
        x = at(frames * 1e6, low)[0]
        parts.append(f'<text x="{x}" y="{height - bottom + 18}" text-anchor="middle">{frames:g}</text>')
    parts.append(f'<text x="{width - right}" y="{height - 8}" text-anchor="end">million emulator frames trained</text>')
    line = " ".join(f"{x},{y}" for x, y in (at(*point) for point in thin))
    parts.append(f'<polyline points="{line}" fill="none" stroke="#3b82c4" stroke-width="1.5"/>')
    for mark in marks:
        (x, y), (_, y0), (_, y1) = (at(mark["frames"], v) for v in (mark["mean_return"], *mark["interval"]))
        parts.append(f'<path d="M{x} {y0}V{y1}" stroke="#d9730d" stroke-width="1.5"/>')
        parts.append(f'<circle cx="{x}" cy="{y}" r="3.5" fill="#d9730d"/>')
    parts.append(f'<text x="{left}" y="16" fill="#3b82c4">mean return of the last 100 training games</text>')
    parts.append(f'<text x="{left + 270}" y="16" fill="#d9730d">evaluated checkpoint, 95 % interval of the mean</text>')
    return "\n".join([*parts, "</svg>", ""])


def toml(tables: dict[str, Any]) -> str:
    """Tables of plain values as TOML; a list of tables becomes an array. JSON's scalars and lists are TOML's too."""
    lines = []
    for name, value in tables.items():
        for table in value if isinstance(value, list) else [value]:
            lines.append(f"[[{name}]]" if isinstance(value, list) else f"[{name}]")
            lines += [
                f"{key} = " + json.dumps(v, ensure_ascii=False).replace("\x7f", "\\u007f") for key, v in table.items()
            ]
            lines.append("")
    return "\n".join(lines)


def environment_id(game: str, name: str | None) -> str:
    """The environment's id, checked to be of this game."""
    name = name or f"ALE/{rom_id_to_name(game)}-v5"
    gymnasium.register_envs(ale_py)
    try:
        other = gymnasium.spec(name).kwargs.get("game")
    except gymnasium.error.Error as error:
        raise TrainerError(f"Gymnasium has no environment {name!r}; give its id by --environment") from error
    if other != game:
        raise TrainerError(f"environment {name!r} plays {other}, the run {game}; give another by --environment")
    return name


def bundle(arguments: argparse.Namespace) -> int:
    """Write a run as an agent to ship: float16 weights, agent.toml, card.md and curve.svg."""
    folder, out, settings = arguments.run, arguments.out, read_settings(arguments.run)
    paths = checkpoint_files(folder, arguments.marks)
    if not paths:
        raise TrainerError(f"{folder} has no checkpoints yet; train it first")
    if out.exists() and any(out.iterdir()) and not (out / "agent.toml").exists():
        raise TrainerError(f"{out} is not empty and no agent: it has no agent.toml; give another folder by --out")
    environment = environment_id(settings.game, arguments.environment)
    evaluations = {(e["frames"], e["sha256"]): e for e in read_evaluations(folder)}
    checkpoints, measured = [], []
    for path in paths:
        data = save(float16_weights(path))
        write(out / "checkpoints" / path.name, data)
        entry: dict[str, Any] = {"frames": int(path.stem), "file": f"checkpoints/{path.name}"}
        entry["sha256"] = hashlib.sha256(data).hexdigest()
        found = evaluations.get((entry["frames"], hashlib.sha256(path.read_bytes()).hexdigest()))
        if found:
            entry |= {key: found[key] for key in ("mean_return", "games", "interval")}
            measured.append(found)
        checkpoints.append(entry)
    for stale in set((out / "checkpoints").glob("*.safetensors")) - {out / c["file"] for c in checkpoints}:
        stale.unlink()
    trained = checkpoints[-1]["frames"]
    curve = [row for row in read_curve(folder) if row[0] <= trained]
    tables = describe(settings, environment, out.resolve().name, paths[-1]) | {"checkpoint": checkpoints}
    write(out / "curve.svg", curve_svg([(x, y) for x, y, _ in curve if not math.isnan(y)], measured))
    write(out / "card.md", card(tables, settings, measured, hours(curve), arguments.note))
    write(out / "agent.toml", toml(tables))
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    print(f"{len(checkpoints)} checkpoints, {len(measured)} of them evaluated, {size / 1e6:.1f} MB: {out}")
    return 0


def hours(curve: Sequence[tuple[int, float, float]]) -> float:
    """Time that the updates of a run took."""
    starts = [0, *(frames for frames, _, _ in curve)]
    steps = [((row[0] - start) / FRAME_SKIP, row[2]) for start, row in zip(starts, curve, strict=False)]
    return sum(count / rate for count, rate in steps if rate > 0) / 3600


def describe(settings: Settings, environment: str, name: str, last: Path) -> dict[str, Any]:
    """What agent.toml says of the agent, but for its checkpoints."""
    return {
        "agent": {
            "name": name,
            "environment": environment,
            "algorithm": "ppo",
            "output": "logits",
            "actions": action_names(settings.game),
        },
        "network": {"architecture": settings.network, "hidden": settings.hidden, "critic": True},
        "preprocessing": {
            "frame_skip": FRAME_SKIP,
            "max_pool": True,
            "grey": "ale",
            "height": SIZE,
            "width": SIZE,
            "stack": STACK,
            "padding": "zeros",
            "divisor": 255.0,
            "noop_max": NOOP_MAX,
            "fire_reset": False,
            "episodic_life": False,
            "sticky": 0.0,
            "max_frames": MAX_FRAMES,
        },
        "provenance": {
            "trainer": "agents/train_atari.py",
            "command": settings.command,
            "seed": settings.seed,
            "frames": int(last.stem),
            "date": time.strftime("%Y-%m-%d", time.gmtime(last.stat().st_mtime)),
            "torch": torch.__version__,
            "ale_py": ale_py.__version__,
            "python": platform.python_version(),
        },
    }


CARD = """# {name}

An agent for `{environment}`: {count} checkpoints of one training run with PPO, from {first:,} to {trained:,} emulator
frames, for looking at what changes while an agent learns. Written by `agents/bundle.py` from the run's own files.

## How well it plays

| frames | mean return | 95 % interval | games | mean length (steps) |
|---:|---:|:---:|---:|---:|
{rows}

Full games of the sampled policy, unclipped returns, on the float16 weights that ship here (computed in float32).
A fixed number of games is begun, with the same seeds for every checkpoint, and all of them count; {cut} of them
reached the cap of {cap} frames. The interval is a bootstrap over games.

![Return over training](curve.svg)

## Protocol

Frame skip {frame_skip} with the maximum of the last two frames; the console's own grey; {height}x{width} by area;
{stack} frames stacked, oldest first, zeros before the first; divided by {divisor:g}. Up to {noop_max} no-ops start a
game (ale-py draws 0 to {noop_last}); FIRE is not pressed for the agent; no sticky actions; a game ends when all lives
are lost or after {max_frames:,} frames. For learning only, rewards are clipped to their sign and a lost life ends the
bootstrap.

## Network

{network}, ReLU, then a policy head (logits of {actions}) and a value head (discounted clipped reward).

## How it was made

    {command}

Seed {seed}, {precision}, {trained:,} of {planned:,} frames in about {hours:.1f} hours of updates; {date}, torch
{torch}, ale-py {ale_py}, Python {python}.{note}

## Limits

- One run with one seed: the intervals say how much games differ, not how much training runs do.
- The policy is sampled, as it was trained; always taking its best action is another player, not measured here.
- Without sticky actions the console is deterministic: do not compare with returns under sticky actions.
- The blue line of the figure is of training games, while the weights changed; the table is the measurement. It is
  bridged where fewer than 100 games had ended since the start or a resume.
"""

TRUNKS = {
    "nature": "`nature`: convolutions 32 8x8/4, 64 4x4/2, 64 3x3/1, dense {hidden} (Mnih et al. 2015)",
    "nips": "`nips`: convolutions 16 8x8/4, 32 4x4/2, dense {hidden} (Mnih et al. 2013)",
}


def card(
    tables: dict[str, Any], settings: Settings, measured: Sequence[dict[str, Any]], hours: float, note: str
) -> str:
    """The agent's card, from the same data as agent.toml."""
    rows = {c["frames"]: f"| {c['frames']:,} | not evaluated | | | |" for c in tables["checkpoint"]}
    for e in measured:
        low, high = e["interval"]
        what = f"{e['mean_return']:.1f} | {low:.1f} to {high:.1f} | {e['games']} | {np.mean(e['lengths']):,.0f}"
        rows[e["frames"]] = f"| {e['frames']:,} | {what} |"
    return CARD.format(
        **tables["agent"]
        | tables["preprocessing"]
        | tables["provenance"]
        | {"actions": ", ".join(tables["agent"]["actions"])},
        count=len(rows),
        first=min(rows),
        trained=max(rows),
        planned=settings.frames,
        rows="\n".join(rows.values()),
        cut=sum(e["truncated"] for e in measured),
        cap=" or ".join(f"{cap:,}" for cap in sorted({e["max_frames"] for e in measured} or {MAX_FRAMES})),
        noop_last=NOOP_MAX - 1,
        network=TRUNKS[settings.network].format(hidden=settings.hidden),
        precision="float32" if settings.fp32 else "bf16 autocast",
        hours=hours,
        note=f" {note}" if note else "",
    )


def main(words: Sequence[str] | None = None) -> int:
    """Parse the command line; what cannot be done is one line on stderr."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="the run's folder")
    text = "the agent's folder, as agents/breakout; its name is the agent's"
    parser.add_argument("--out", type=Path, required=True, help=text)
    text = "only these: the first checkpoint of at least so many frames, for each"
    parser.add_argument("--marks", type=int, nargs="+", metavar="FRAMES", help=text)
    parser.add_argument("--environment", metavar="ID", help="Gymnasium id (default ALE/GAME-v5)")
    parser.add_argument("--note", default="", help="a sentence for the card on how the run went")
    try:
        return bundle(parser.parse_args(words))
    except (TrainerError, OSError) as error:
        print(f"bundle: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
