"""What a track of clips calls its things."""

from dataclasses import replace

from inspector.clip_track.probe import ClipProbe
from inspector.clip_track.work import OWN
from inspector.draw.training import TrainingWords
from inspector.track.terms import Terms
from inspector.track.words import counted

FILM = TrainingWords(
    unit="clips",
    result="accuracy on these clips",
    caption="accuracy {}",
    side=("left: the clip as the network sees it;", "right: relevance of each frame", "at its own time"),
    legend="part of a clip's {} that lies here; one scale for all maps",
)


def trained_column(unit: str) -> str:
    """The column of the tables that tells how long a checkpoint was trained, as `clips_trained`."""
    return f"{unit}_trained"


def terms_of_clips(name: str, probe: ClipProbe, unit: str = "clips") -> Terms:
    """Words for a video classifier.

    Args:
        name: Of the classifier, or of several together.
        probe: The clips.
        unit: What training is counted in.
    """
    labelled = int(probe.labelled.sum())
    videos = len(set(probe.videos[probe.labelled].tolist()))
    own = "the video's class" if probe.labelled.all() else "the class that the last checkpoint recognises"
    if 0 < labelled < len(probe):
        own = "the video's class, or the one that the last checkpoint recognises"
    return Terms(
        title=name,
        subject=f"video classifier, {len(probe.class_names)} classes",
        state="clip",
        group="video",
        moment="clip",
        axis=f"{unit} trained",
        saved="clips",
        result="accuracy",
        result_line="accuracy, per cent",
        results="with its 95 % interval",
        source="labelled videos",
        caption=("Accuracy on these clips", "the band is the 95 % interval"),
        sign=" %",
        stacked="by position in the clip, first frame 0",
        played=f"{counted(labelled, 'clip')} of {counted(videos, 'video')}",
        sources={"probe": "the same clips for all"},
        targets={OWN: f"score of {own}"}
        | {str(number): f"score of {one}" for number, one in enumerate(probe.class_names)},
        film=replace(FILM, unit=unit),
        columns={"frames": trained_column(unit), "stacked_frame": "position", "states": "clips", "episodes": "videos"},
    )
