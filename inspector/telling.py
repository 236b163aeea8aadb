"""What is told of a recording, of a game or of videos."""

from inspector.recording import FILM, MANIFEST, ROWS, Recording


def describe_film(recording: Recording) -> str | None:
    """Length and size of the film, as `1 min 24 s, 3.1 MB`; None without one."""
    if FILM not in recording.manifest["files"]:
        return None
    minutes, seconds = divmod(round(recording.manifest["counts"]["seconds"]), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (seconds, "s")]
    length = " ".join(f"{number} {unit}" for number, unit in parts if number) or "less than a second"
    return f"{length}, {recording.manifest['files'][FILM]['bytes'] / 1e6:.1f} MB"


def paths(recording: Recording) -> dict[str, str]:
    """Files of a recording that are there, by what they are."""
    found = {
        "video": recording.video,
        "steps": recording.path / ROWS,
        "manifest": recording.path / MANIFEST,
        "thumbnail": recording.thumbnail,
        "relevance": recording.relevance,
    }
    return {kind: str(path) for kind, path in found.items() if path and path.is_file()}
