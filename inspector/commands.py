"""The commands: each takes its arguments, calls the library, and prints.

What is slow to import is imported here, inside the command that needs it.
"""

import sys
from argparse import Namespace
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from inspector import options
from inspector.console import complain, print_facts, print_finding, print_json, print_notes, progress_display, results

if TYPE_CHECKING:
    from inspector.load.bundle import Bundle
    from inspector.recording import Recording


def record(arguments: Namespace) -> int:
    """Let an agent play and explain it; tell where the film is. 130 if it was interrupted."""
    from inspector import session
    from inspector.load import load_agent

    with redirect_stdout(sys.stderr):  # should a library print, it is no result
        agent = load_agent(**options.source(arguments), device=options.device(arguments.device))
    with redirect_stdout(sys.stderr), progress_display(quiet=arguments.quiet) as on_progress:
        recording = session.record(
            agent,
            seed=arguments.seed,
            episodes=arguments.episodes,
            steps=arguments.steps,
            greedy=arguments.greedy,
            composite=arguments.composite,
            target=arguments.target,
            fps=arguments.fps,
            explain=arguments.explain,
            regions=arguments.regions,
            outlines=arguments.outlines,
            save_relevance=arguments.save_relevance,
            batch_size=arguments.batch_size,
            threads=arguments.threads,
            output=arguments.output,
            overwrite=arguments.overwrite,
            command=arguments.argv,
            on_progress=on_progress,
        )
    print_recording(recording, as_json=arguments.json)
    return 130 if recording.status == "interrupted" else 0


def track(arguments: Namespace) -> int:
    """Follow attention over training; 3 if a checkpoint could not be opened, 1 if one could not be explained."""
    from inspector.track_command import run

    return run(arguments)


def live(arguments: Namespace) -> int:
    """Watch an agent think, in the terminal."""
    from inspector.live_command import live as watch

    return watch(arguments)


def replay(arguments: Namespace) -> int:
    """Watch a recording again, in the terminal."""
    from inspector.replay_command import replay as watch

    return watch(arguments)


def show(arguments: Namespace) -> int:
    """Tell what an agent's file holds."""
    from inspector.load import describe

    with redirect_stdout(sys.stderr):
        facts = describe(**options.source(arguments))
    if arguments.json:
        print_json(facts)
        return 0
    print_agent(facts)
    return 0


def recover(arguments: Namespace) -> int:
    """Finish a recording that was killed."""
    from inspector.recovery import recover as finish

    found = finish(arguments.folder)
    if found.was_finished:
        complain("it was finished already; nothing was to be done")
    elif found.torn_bytes:
        complain(f"{found.torn_bytes} bytes of a half-written row were cut off")
    print_recording(found.recording, as_json=arguments.json)
    return 0


def agents(arguments: Namespace) -> int:
    """List the bundled agents."""
    from inspector.load.bundle import bundle_folders, read_manifest

    bundles = [read_manifest(folder) for folder in bundle_folders().values()]
    if arguments.json:
        print_json({"agents": [asdict(bundle) for bundle in bundles]})
        return 0
    for bundle in bundles:
        print_facts(results(), bundle.name, describe_bundle(bundle))
    return 0


def doctor(arguments: Namespace) -> int:
    """Look at what recording needs; 1 if something of it is missing."""
    from inspector.doctor import examine, healthy

    findings = examine()
    sound = healthy(findings)
    if arguments.json:
        print_json({"healthy": sound, "findings": [asdict(finding) for finding in findings]})
        return 0 if sound else 1
    console = results()
    for finding in findings:
        print_finding(console, finding.name, finding.status, finding.detail, finding.cure)
    return 0 if sound else 1


def print_recording(recording: "Recording", *, as_json: bool) -> None:
    """Tell what was recorded, and where it is."""
    played, files, counts = episodes(recording), paths(recording), recording.manifest["counts"]
    agent = recording.manifest.get("agent") or {}  # a recording made by other code need not name one
    if as_json:
        status = {"status": recording.status, "folder": str(recording.path), **files}
        print_json({**status, "counts": counts, "episodes": played, "agent": agent})
        return
    console = results()
    lines = [(f"episode {one['episode'] + 1}", describe_episode(one)) for one in played]
    facts = [("film", describe_film(recording)), *files.items(), *lines]
    print_facts(console, f"{recording.status}: {counts['steps']} steps", facts)
    print_notes(console, "assumed; a flag says otherwise", agent.get("assumed", ()))


def describe_film(recording: "Recording") -> str | None:
    """Length and size of the film, as `1 min 24 s, 3.1 MB`; None without one."""
    from inspector.recording import FILM

    if FILM not in recording.manifest["files"]:
        return None
    minutes, seconds = divmod(round(recording.manifest["counts"]["seconds"]), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (seconds, "s")]
    length = " ".join(f"{number} {unit}" for number, unit in parts if number) or "less than a second"
    return f"{length}, {recording.manifest['files'][FILM]['bytes'] / 1e6:.1f} MB"


def paths(recording: "Recording") -> dict[str, str]:
    """Files of a recording that are there, by what they are."""
    from inspector.recording import MANIFEST, ROWS

    found = {
        "video": recording.video,
        "steps": recording.path / ROWS,
        "manifest": recording.path / MANIFEST,
        "thumbnail": recording.thumbnail,
        "relevance": recording.relevance,
    }
    return {kind: str(path) for kind, path in found.items() if path and path.is_file()}


def episodes(recording: "Recording") -> list[dict[str, Any]]:
    """Number, length, return and end of every episode in a recording."""
    columns = ["episode", "step", "return_so_far", "terminated", "truncated"]
    last = {row["episode"]: row for row in recording.rows.select(columns).to_pylist()}
    return [
        {
            "episode": number,
            "steps": row["step"] + 1,
            "return": row["return_so_far"],
            "finished": row["terminated"] or row["truncated"],
        }
        for number, row in last.items()
    ]


def describe_episode(episode: Mapping[str, Any]) -> str:
    """An episode in a line."""
    end = "" if episode["finished"] else ", not finished"
    return f"return {episode['return']:g} in {episode['steps']} steps{end}"


def print_agent(facts: Mapping[str, Any]) -> None:
    """Tell a person what `describe` found."""
    console = results()
    sections = ("preprocessing", "provenance")
    apart = ("name", "layers", "checkpoints", "warnings", "assumed", *sections)
    print_facts(console, facts["name"], readable({name: facts[name] for name in facts if name not in apart}))
    print_notes(console, "layers", map(describe_layer, facts["layers"]))
    for name in sections:
        print_facts(console, name, readable(facts[name]))
    for name in ("warnings", "assumed"):
        print_notes(console, name, facts[name])
    if len(facts["checkpoints"]) > 1:
        print_notes(console, "checkpoints", map(describe_checkpoint, facts["checkpoints"]))


def describe_layer(layer: Mapping[str, Any]) -> str:
    """A layer in a line."""
    return f"{layer['name']:<16}{layer['kind']:<8} {'x'.join(map(str, layer['weight']))}"


def describe_checkpoint(checkpoint: Mapping[str, Any]) -> str:
    """A checkpoint in a line."""
    frames, mean = checkpoint["frames"], checkpoint["mean_return"]
    trained = "frames unknown" if frames is None else f"{frames:>13,} frames"
    return trained if mean is None else f"{trained}   mean return {mean:7.1f} over {checkpoint['games']} games"


def describe_bundle(bundle: "Bundle") -> list[tuple[str, object]]:
    """What a list of agents says of one."""
    last, frames = bundle.checkpoints[-1], [one.frames for one in bundle.checkpoints]
    rated = None if last.mean_return is None else f"{last.mean_return:.1f} over {last.games} games"
    return [
        ("plays", bundle.environment),
        ("algorithm", bundle.algorithm),
        ("checkpoints", ", ".join(f"{number:,}" for number in frames if number is not None)),
        ("mean return", rated),
        ("folder", bundle.folder),
    ]


def readable(facts: Mapping[str, Any]) -> list[tuple[str, object]]:
    """Facts as pairs for a person: nested ones with a dot between their names, underscores as spaces."""
    pairs: list[tuple[str, object]] = []
    for name, value in facts.items():
        if isinstance(value, Mapping):
            pairs += [(f"{name} {inner}", content) for inner, content in readable(value)]
        elif isinstance(value, (list, tuple)):
            pairs.append((name, ", ".join(map(str, value)) or None))
        else:
            pairs.append((name, value))
    return [(name.replace("_", " "), value) for name, value in pairs]
