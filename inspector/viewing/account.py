"""What the recording of a video says of its own making: in its manifest, and on its page."""

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from inspector.clips.agent import ClipAgent
from inspector.clips.windows import Windows
from inspector.draw.text import count_text
from inspector.provenance import versions
from inspector.viewing.interpreter import ClipInterpreter
from inspector.viewing.recorder import Subject


def subtitle_of(agent: ClipAgent, interpreter: ClipInterpreter | None, cuts: Windows) -> tuple[str, ...]:
    """Facts that stand beside the title."""
    facts = agent.facts
    trained = facts.checkpoint.frames
    parts = [
        facts.name,
        None if facts.architecture == facts.name else re.split("[:,]", facts.architecture)[0],
        None if trained is None else f"{count_text(trained)} clips",
        interpreter.composite if interpreter else None,
        f"clips of {cuts.frames} frames" + (f", stride {cuts.stride}" if cuts.stride > 1 else ""),
    ]
    return tuple(part for part in parts if part)


def account_of(
    agent: ClipAgent,
    interpreter: ClipInterpreter | None,
    cuts: Windows,
    target: str,
    subjects: Sequence[Subject],
    batch_size: int,
    threads: int,
    command: Sequence[str] | None,
) -> dict[str, Any]:
    """What the manifest says beside what every recording has."""
    names = agent.class_names
    explanation = None
    if interpreter:
        rules = {} if interpreter.rules is None else {"rules": interpreter.rules}
        explanation = {"composite": interpreter.composite, **rules, "target": target, "measure": interpreter.measure}
    return {
        "title": ", ".join(subject.title for subject in subjects),
        "kind": "clips",
        "agent": asdict(agent.facts) | {"output": "logits", "class_names": names},
        "preprocessing": asdict(agent.recipe),
        "windows": asdict(cuts) | {"step": cuts.apart},
        "videos": [_account_of_video(subject, names) for subject in subjects],
        "explanation": explanation,
        "device": str(agent.device),
        "versions": versions(),
        "batch_size": batch_size,
        "threads": threads,
        "command": [_in_unicode(word) for word in command or []],
    }


def _in_unicode(word: str) -> str:
    """A word of the command line; bytes that are no UTF-8, as names of files may hold them, in hexadecimal."""
    return os.fsencode(word).decode(errors="backslashreplace")


def _account_of_video(subject: Subject, names: Sequence[str]) -> dict[str, Any]:
    with open(subject.path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    facts = asdict(subject.facts)
    facts |= {"fps": None if facts["fps"] is None else float(facts["fps"]), "time_base": str(facts["time_base"])}
    target = None if subject.target is None else names[subject.target]
    return {"path": _in_unicode(str(subject.path)), "sha256": digest, **facts, "target": target}
