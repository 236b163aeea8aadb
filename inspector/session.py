"""Record an agent's play from start to end: what the command `inspector record` does."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from inspector.agent import Agent
from inspector.atari.environment import NATIVE_RATE, AtariEnvironment, make_environment, title_of
from inspector.atari.objects.choice import find_for
from inspector.errors import GameError, UsageError
from inspector.explaining import Interpreter
from inspector.load import load_agent
from inspector.lrp import CompositeLike
from inspector.recorder import Recorder
from inspector.recording import Recording
from inspector.records import Step
from inspector.rollout import rollout, samples
from inspector.stopping import interruptible
from inspector.watching import Watcher


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a recording is.

    Attributes:
        steps: Decisions taken.
        total_steps: Decisions asked for; None if games are counted.
        episodes: Games finished.
        total_episodes: Games asked for; None if decisions are counted.
        seconds: Length of the film written so far.
        return_so_far: Unclipped return of the game that runs.
    """

    steps: int
    total_steps: int | None
    episodes: int
    total_episodes: int | None
    seconds: float
    return_so_far: float


def record(
    agent: Agent | str | Path,
    *,
    checkpoint: int | str = "last",
    environment: str | None = None,
    seed: int = 0,
    episodes: int | None = None,
    steps: int | None = None,
    greedy: bool | None = None,
    composite: CompositeLike = "epsilon_plus",
    target: str = "score",
    fps: int = 30,
    explain: bool = True,
    regions: Path | None = None,
    outlines: bool = True,
    save_relevance: bool = False,
    device: str = "cpu",
    batch_size: int = 32,
    threads: int = 2,
    output: Path | str | None = None,
    overwrite: bool = False,
    command: Sequence[str] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Recording:
    """Let an agent play, explain every decision, and keep it all in a folder.

    Args:
        agent: An agent, or what `load_agent` takes: a bundle's name, a file.
        checkpoint: Frames trained, `first`, `best` or `last`; for an agent given by name or file.
        environment: Gymnasium id of the game; None takes the agent's own.
        seed: Of the game and of sampled actions; the same seed gives the same recording.
        episodes: Whole games to play; with neither this nor `steps`, one.
        steps: Decisions to play, over as many games as they take.
        greedy: True takes the best action, False samples; None samples policies only.
        composite: What explains: a composite of LRP rules, as `epsilon_plus`, a TOML file, or one made in Python; or
            `taylor` or `sensitivity`.
        target: What is explained: `score`, `contrast`, `advantage`, `value`, or an action by name or number.
        fps: 30 merges each pair of emulator frames by maximum; 60 keeps all.
        explain: False records the play alone.
        regions: A TOML file with regions of your own; None takes the game's objects, or what moves.
        outlines: Outline the regions on the overlay.
        save_relevance: Keep every relevance map, float16, in `relevance.h5`.
        device: Where the network runs; for an agent given by name or file.
        batch_size: Decisions explained at once.
        threads: Threads of the encoder. Torch keeps to one meanwhile.
        output: The folder; None makes a new one under `recordings/`.
        overwrite: Replace a recording that is there.
        command: The command line, for the manifest.
        on_progress: Called after every decision.

    Returns:
        The finished recording. After SIGINT or SIGTERM it is finished too, with the status `interrupted`.

    Raises:
        UsageError: If an argument makes no sense or the game is not known.
        CheckpointError: If the agent cannot be loaded.
        GameError: If the game does not exist or does not fit.
        UnsupportedError: If the network cannot be explained.
        RecordingError: If the folder cannot be written.
    """
    if episodes is not None and steps is not None:
        raise UsageError("give a number of episodes or of steps, not both")
    if any(count is not None and count < 1 for count in (episodes, steps, batch_size, threads)):
        raise UsageError("numbers of episodes, steps, threads and the batch size start at 1")
    if not isinstance(agent, Agent):
        agent = load_agent(agent, checkpoint=checkpoint, environment=environment, device=device)
    name = environment or agent.facts.environment
    if name is None:
        raise UsageError(f"{agent.facts.name} does not say which game it plays: name it, as in --env ALE/Breakout-v5")
    sampled = samples(agent, greedy)
    if sampled and agent.output != "logits":
        raise UsageError("only a policy can be sampled; Q-values are played greedily: leave out --sample")
    if steps is None and episodes is None:
        episodes = 1
    with closing(make_environment(name, agent.preprocessing, agent.action_count)) as game, one_torch_thread():
        check_actions(agent, game)
        interpreter = Interpreter(agent, game.action_names, composite, target, frozen=True) if explain else None
        recorder = Recorder(
            agent,
            Path(output) if output else default_folder(agent, seed),
            title=title_of(name),
            action_names=game.action_names,
            screen_size=game.native_size,
            native_rate=NATIVE_RATE,
            decision_rate=NATIVE_RATE / agent.preprocessing.frame_skip,
            fps=fps,
            interpreter=interpreter,
            watcher=Watcher(find_for(name, regions), agent.input_shape[1:]),
            outlines=outlines,
            save_relevance=save_relevance,
            batch_size=batch_size,
            threads=threads,
            overwrite=overwrite,
            manifest={
                "environment": {"id": name, "action_names": game.action_names},
                "play": {
                    "seed": seed,
                    "policy": "sampled" if sampled else "greedy",
                    "episodes": episodes,
                    "steps": steps,
                },
                "command": list(command or []),
            },
        )
        steps_played = rollout(agent, game, seed=seed, greedy=greedy)
        return _play(recorder, steps_played, episodes, steps, on_progress)


def _play(
    recorder: Recorder,
    played: Iterator[Step],
    episodes: int | None,
    steps: int | None,
    on_progress: Callable[[Progress], None] | None,
) -> Recording:
    """Feed steps to the recorder until there are enough, or until a signal."""
    finished, return_so_far = 0, 0.0
    with interruptible() as stopped, recorder:
        for count, step in enumerate(played, start=1):
            recorder.add(step)
            return_so_far = step.reward + (return_so_far if step.index else 0.0)
            finished += step.terminated or step.truncated
            if on_progress:
                on_progress(Progress(count, steps, finished, episodes, recorder.seconds, return_so_far))
            if stopped or count == steps or finished == episodes:
                break
        return recorder.close("interrupted" if stopped else "complete")


def default_folder(agent: Agent, seed: int) -> Path:
    """A new folder under `recordings/`, named after agent, seed and time."""
    name = re.sub(r"[^\w.-]+", "-", agent.facts.name).strip(".-") or "agent"
    return Path("recordings") / f"{name}-seed{seed}-{time.strftime('%Y%m%d-%H%M%S')}"


def check_actions(agent: Agent, game: AtariEnvironment) -> None:
    """Compare the action names that an agent's file states, if it does, with the game's.

    Raises:
        GameError: If they differ: every label would be wrong.
    """
    stated = agent.facts.provenance.get("actions", "").split()
    if stated and tuple(stated) != game.action_names:
        raise GameError(
            f"{agent.facts.name} was made for the actions {', '.join(stated)}; "
            f"{game.name} has {', '.join(game.action_names)}: name the game it was trained on with --env"
        )


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Keep torch to one thread.

    Playing and explaining already run side by side; on few cores more threads get in each other's way. It also keeps
    the bits of a recording the same on any number of cores.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
