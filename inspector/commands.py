"""The commands: each takes its arguments, calls the library, and prints.

What is slow to import is imported here, inside the command that needs it.
"""

import sys
from argparse import Namespace
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from inspector import clip_options, options
from inspector.console import complain, print_facts, print_finding, print_json, print_notes, progress_display, results

if TYPE_CHECKING:
    from inspector.load.bundle import Bundle
    from inspector.load.clip_bundle import ClipBundle
    from inspector.recording import Recording


def record(arguments: Namespace) -> int:
    """Let an agent play, or watch videos, and explain it; tell where the film is. 130 if it was interrupted."""
    if arguments.video:
        from inspector.viewing_command import record as record_videos

        return record_videos(arguments)
    clip_options.refuse_video(arguments)
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
            fps=arguments.fps or 30,
            explain=arguments.explain,
            regions=arguments.regions,
            outlines=arguments.outlines,
            save_relevance=arguments.save_relevance,
            batch_size=arguments.batch_size or 32,
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
    from inspector.clip_track_command import clip_task, watches_videos
    from inspector.track_command import game_task, run

    return run(arguments, clip_task if watches_videos(arguments) else game_task)


def profile(arguments: Namespace) -> int:
    """Profile a video classifier; 3 if videos were left out."""
    from inspector.profile_command import run

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
    from inspector.load import describe, describe_clips, watches_clips

    with redirect_stdout(sys.stderr):
        watches = watches_clips(arguments.agent)
        told = clip_options.tells_of_clips(arguments) if watches is None else None
        if watches or told or clip_options.may_watch(arguments):
            facts = describe_clips(**clip_options.source(arguments))
        else:
            clip_options.refuse_video(arguments)
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
    if found.recording.manifest.get("kind") == "clips":
        from inspector.viewing_command import tell

        tell(found.recording, as_json=arguments.json)
    else:
        print_recording(found.recording, as_json=arguments.json)
    return 0


def agents(arguments: Namespace) -> int:
    """List the bundled agents."""
    from inspector.load.bundle import bundle_folders, read_manifest
    from inspector.load.clip_bundle import ClipBundle, read_clip_manifest
    from inspector.load.clip_opening import watches_clips
    from inspector.load.clip_summary import plain_bundle

    folders = bundle_folders().values()
    bundles = [read_clip_manifest(one) if watches_clips(one) else read_manifest(one) for one in folders]
    if arguments.json:
        told = [plain_bundle(one) if isinstance(one, ClipBundle) else asdict(one) for one in bundles]
        print_json({"agents": told})
        return 0
    for one in bundles:
        lines = describe_clip_bundle(one) if isinstance(one, ClipBundle) else describe_bundle(one)
        print_facts(results(), one.name, lines)
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
    from inspector.telling import describe_film, paths

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
    facts = {**facts, "class_names": shortened(facts["class_names"])} if "class_names" in facts else facts
    sections = [name for name in ("preprocessing", "recipe", "provenance") if facts.get(name)]
    apart = ("name", "layers", "checkpoints", "warnings", "assumed", *sections)
    print_facts(console, facts["name"], readable({name: facts[name] for name in facts if name not in apart}))
    print_notes(console, "layers", describe_layers(facts["layers"]))
    for name in sections:
        print_facts(console, name, readable(facts[name]))
    for name in ("warnings", "assumed"):
        print_notes(console, name, facts[name])
    if len(facts["checkpoints"]) > 1:
        print_notes(console, "checkpoints", map(describe_checkpoint, facts["checkpoints"]))


def shortened(names: list[str], most: int = 16) -> list[str]:
    """The first of many names, and how many more there are."""
    return names if len(names) <= most else [*names[:most], f"and {len(names) - most:,} more"]


def describe_layers(layers: list[Mapping[str, Any]]) -> list[str]:
    """Layers, a line each, in columns."""
    name, kind = (max([least, *(len(one[key]) for one in layers)]) for key, least in (("name", 15), ("kind", 8)))
    return [f"{one['name']:<{name}} {one['kind']:<{kind}} {'x'.join(map(str, one['weight']))}" for one in layers]


def describe_checkpoint(checkpoint: Mapping[str, Any]) -> str:
    """A checkpoint in a line."""
    if "accuracy" in checkpoint:
        return f"{checkpoint['clips']:>11,} clips{describe_accuracy(checkpoint)}"
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


def describe_accuracy(checkpoint: Mapping[str, Any]) -> str:
    """How well a checkpoint recognises videos, as the end of a line; nothing if that is not known."""
    if checkpoint["accuracy"] is None:
        return ""
    ends = checkpoint["interval"]
    interval = f" ({100 * ends[0]:.1f} to {100 * ends[1]:.1f})" if ends else ""
    return f"   accuracy {100 * checkpoint['accuracy']:5.1f} %{interval} of {checkpoint['videos'] or '?'} videos"


def describe_clip_bundle(bundle: "ClipBundle") -> list[tuple[str, object]]:
    """What a list of agents says of one that watches videos."""
    last, (rows, columns) = bundle.checkpoints[-1], bundle.recipe.crop
    rated = None if last.accuracy is None else f"{100 * last.accuracy:.1f} % of {last.videos or '?'} videos"
    return [
        ("watches", f"clips of {bundle.recipe.frames} frames, {rows}x{columns}"),
        ("classes", ", ".join(bundle.classes)),
        ("checkpoints", ", ".join(f"{one.frames:,}" for one in bundle.checkpoints) + " clips"),
        ("accuracy", rated),
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
