"""Record what a classifier sees in videos, from start to end: what `inspector record AGENT --video FILE` does."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from inspector.clips.agent import ClipAgent
from inspector.clips.environment import ClipEnvironment
from inspector.clips.source import open_video
from inspector.clips.windows import Windows
from inspector.clips.wire import Facts
from inspector.errors import UnsupportedError, UsageError
from inspector.folder import RESULTS, claim
from inspector.lrp import CompositeLike
from inspector.recording import Recording
from inspector.stopping import interruptible
from inspector.sweep import Progress
from inspector.viewing.account import account_of, subtitle_of
from inspector.viewing.classes import WHOLE, resolve_class
from inspector.viewing.filming import page_sized
from inspector.viewing.interpreter import ClipInterpreter, batch_size_of
from inspector.viewing.recorder import ClipRecorder, Subject
from inspector.viewing.watching import Window, recognise, watch

OnProgress = Callable[[str, Progress], None]


def record_videos(
    agent: ClipAgent,
    videos: str | Path | Sequence[str | Path],
    *,
    stride: int = 1,
    step: int | None = None,
    composite: CompositeLike = "epsilon_plus",
    target: str = WHOLE,
    explain: bool = True,
    windows: int | None = None,
    save_relevance: bool = False,
    batch_size: int | None = None,
    threads: int = 2,
    output: Path | str | None = None,
    overwrite: bool = False,
    command: Sequence[str] | None = None,
    on_progress: OnProgress | None = None,
) -> Recording:
    """Show videos to a classifier, explain every window, and keep it all in a folder.

    Args:
        agent: The classifier; its recipe says how long a clip is.
        videos: A file, or several, recorded one after another.
        stride: Frames of the video from one frame of a clip to the next: 2 plays it twice as fast.
        step: Frames from one group of windows to the next; None is half of what a group covers.
        composite: What explains: a composite of LRP rules, as `epsilon_plus`, a TOML file, or one made in Python; or
            `taylor` or `sensitivity`.
        target: What is explained: `score`, that of the class with the highest mean probability over a video's windows,
            which takes a run of the network over all of them beforehand; `each`, that of the class that each window is
            recognised as; or always one class, by name or number.
        explain: False records what is recognised alone.
        windows: Stop after so many windows of each video; None goes to its end.
        save_relevance: Keep the map of every window, float16, in `relevance.h5`.
        batch_size: Windows explained at once; None takes as many as are well explained at once.
        threads: Threads of the encoder.
        output: The folder; None makes a new one under `recordings/`.
        overwrite: Replace a recording that is there.
        command: The command line, for the manifest.
        on_progress: Called with the name of a part of the work and how many windows of it are done.

    Returns:
        The finished recording. After SIGINT or SIGTERM it is finished too, with the status `interrupted`; while the
        class of whole videos is sought beforehand, there is none yet, and a signal acts as usual.

    Raises:
        UsageError: If an argument makes no sense, there is no such class, or a video is shorter than a window.
        VideoError: If a video cannot be read, or lacks frames that it announces.
        UnsupportedError: If the network cannot be explained.
        RecordingError: If the folder cannot be written.
    """
    if any(count is not None and count < 1 for count in (windows, batch_size, threads)):
        raise UsageError("numbers of windows, threads and the batch size start at 1")
    videos = [videos] if isinstance(videos, (str, Path)) else list(videos)
    cuts, chosen = Windows(agent.recipe.frames, stride, step), resolve_class(target, agent.class_names)
    facts = [_facts(Path(path)) for path in videos]
    totals = [_window_count(cuts, each, path, windows) for each, path in zip(facts, videos, strict=True)]
    interpreter = ClipInterpreter(agent, composite) if explain else None
    size, folder = batch_size or batch_size_of(agent), Path(output) if output else default_folder(agent)
    _spare(videos, folder)
    environment = ClipEnvironment(
        videos, agent.recipe, len(agent.class_names), cuts, keep=partial(page_sized, explain=explain)
    )
    with _claimed(folder, overwrite), closing(environment):
        whole = [] if target != WHOLE else _recognised(agent, environment, totals, size, on_progress)
        targets = whole or [chosen] * len(facts)
        subjects = [Subject(Path(path), one, aim) for path, one, aim in zip(videos, facts, targets, strict=True)]
        recorder = ClipRecorder(
            agent,
            folder,
            subjects,
            interpreter=interpreter,
            subtitle=subtitle_of(agent, interpreter, cuts),
            save_relevance=save_relevance,
            batch_size=size,
            threads=threads,
            overwrite=overwrite,
            manifest=account_of(agent, interpreter, cuts, target, subjects, size, threads, command),
        )
        return _record(recorder, environment, totals, on_progress)


def _record(
    recorder: ClipRecorder, environment: ClipEnvironment, totals: Sequence[int], on_progress: OnProgress | None
) -> Recording:
    """Feed windows to the recorder until there are no more, or until a signal."""
    done = 0
    with interruptible() as stopped, recorder:
        for video, count in enumerate(totals):
            recorder.begin()
            for window in _windows(environment, video, count):
                recorder.add(window)
                done += 1
                if on_progress:
                    on_progress("explaining", Progress(done, sum(totals), f"window {window.index}"))
                if stopped:
                    return recorder.close("interrupted")
        return recorder.close()


def _recognised(
    agent: ClipAgent, environment: ClipEnvironment, totals: Sequence[int], size: int, on_progress: OnProgress | None
) -> list[int | None]:
    """The class that each video is recognised as, as a whole."""
    found: list[int | None] = []
    before = 0
    for video, count in enumerate(totals):

        def tell(done: int, before: int = before) -> None:
            if on_progress:
                on_progress("recognising", Progress(before + done, sum(totals), f"window {done - 1}"))

        mean = recognise(agent, _windows(environment, video, count), size, tell)
        if not np.isfinite(mean).all():
            raise UnsupportedError(f"{agent.facts.name} gives scores that are not finite: nothing can be recognised")
        found.append(int(mean.argmax()))
        before += count
    return found


def _windows(environment: ClipEnvironment, video: int, count: int) -> Iterator[Window]:
    """So many windows of a video; after its last one the file is read to its end, which tells of a loss there."""
    for done, window in enumerate(watch(environment, video), 1):
        yield window
        if done == count and not window.is_last:
            return


@contextmanager
def _claimed(folder: Path, overwrite: bool) -> Iterator[None]:
    """The folder of a recording. If none comes of it, and the folder is ours and still empty, it goes again."""
    is_ours = not folder.exists()
    claim(folder, overwrite)
    try:
        yield
    except BaseException:
        if is_ours:
            with suppress(OSError):  # something is in it
                folder.rmdir()
        raise


def _spare(videos: Sequence[str | Path], folder: Path) -> None:
    """Refuse to record over a video that is to be recorded: the film of a recording, for one."""
    replaced = {folder.resolve() / name for name in RESULTS}
    for path in map(Path, videos):
        if not replaced.isdisjoint({path.resolve(), path.parent.resolve() / path.name}):  # itself, or what it leads to
            raise UsageError(f"{path} would be replaced by its own recording: choose another folder")


def _facts(path: Path) -> Facts:
    with open_video(path) as video:
        return video.facts


def _window_count(cuts: Windows, facts: Facts, path: str | Path, most: int | None) -> int:
    try:
        return sum(1 for _ in islice(cuts.starts(facts.frame_count), most))
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def default_folder(agent: ClipAgent) -> Path:
    """A new folder under `recordings/`, named after the agent and the time."""
    name = re.sub(r"[^\w.-]+", "-", agent.facts.name).strip(".-") or "agent"
    return Path("recordings") / f"{name}-video-{time.strftime('%Y%m%d-%H%M%S')}"
