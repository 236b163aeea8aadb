"""Train an Atari agent with PPO, as a series of checkpoints.

One file, top to bottom, after the shape of CleanRL's `ppo_atari.py`. It needs only torch, numpy, ale-py, gymnasium,
safetensors and rich (and tensorboard for its scalars), nothing of the inspector but for --track, so it can be read
and changed alone.

    python agents/train_atari.py train breakout --out runs/breakout          # resumes by itself after a kill
    python agents/train_atari.py train breakout --track probe.npz            # logs attention too; see train --help
    python agents/train_atari.py evaluate runs/breakout --games 30           # full games under every checkpoint
    python agents/bundle.py runs/breakout --out agents/breakout              # the run as an agent to ship

Protocol (that of stable-baselines3 and CleanRL): frame skip 4 with the maximum of the last two frames, grey, 84x84 by
area, four frames stacked (zeros before the first), up to 30 no-ops at the start, no sticky actions, at most 108,000
frames a game. A lost life ends the bootstrap, not the game; rewards are clipped to their sign for learning only.

What ale-py 0.12.1 makes of that, compared with the console itself over whole games: the no-ops are 0 to 29, evenly,
from each environment's own seed; the first observation is three frames of zeros and the one after the no-ops; without
sticky actions the seed decides nothing else; the cap counts frames after the no-ops. In the step that ends a game,
reward, terminated and truncated are the old game's, observation and lives the new one's.

Source: Schulman et al. 2017, arXiv:1707.06347; Huang et al. 2022, "The 37 implementation details of PPO".
"""

import argparse
import difflib
import hashlib
import itertools
import json
import math
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ale_py import AtariVectorEnv, roms
from ale_py.registration import rom_id_to_name
from numpy.typing import NDArray
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from safetensors.torch import load_file, save
from torch import nn

FRAME_SKIP = 4
STACK = 4
MAX_FRAMES = 108_000
SIZE = 84
NOOP_MAX = 30


class TrainerError(Exception):
    """What cannot be done; one line: what was found, and what to do."""


def write(path: Path, data: bytes | str) -> None:
    """Write a file by a temporary name, so that a kill leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(data.encode() if isinstance(data, str) else data)
    os.replace(temporary, path)


# --- the network ------------------------------------------------------------------------------------------------------


def layer(module: nn.Conv2d | nn.Linear, gain: float = math.sqrt(2)) -> nn.Module:
    """Orthogonal weights and zero biases."""
    nn.init.orthogonal_(module.weight, gain)
    if module.bias is not None:
        nn.init.zeros_(module.bias)
    return module


class ActorCritic(nn.Module):
    """A convolutional trunk with a policy head (logits) and a value head.

    `nature` is the trunk of Mnih et al. 2015 (three convolutions), `nips` that of Mnih et al. 2013 (two).
    """

    def __init__(self, network: str, action_count: int, hidden: int):
        super().__init__()
        self.conv3: nn.Module | None = None
        if network == "nature":
            self.conv1 = layer(nn.Conv2d(STACK, 32, 8, 4))
            self.conv2 = layer(nn.Conv2d(32, 64, 4, 2))
            self.conv3 = layer(nn.Conv2d(64, 64, 3, 1))
            self.fc = layer(nn.Linear(64 * 7 * 7, hidden))
        else:
            self.conv1 = layer(nn.Conv2d(STACK, 16, 8, 4))
            self.conv2 = layer(nn.Conv2d(16, 32, 4, 2))
            self.fc = layer(nn.Linear(32 * 9 * 9, hidden))
        self.policy = layer(nn.Linear(hidden, action_count), 0.01)
        self.value = layer(nn.Linear(hidden, 1), 1.0)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (batch, actions) and values (batch,) of stacked frames in 0..1."""
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.conv2(x))
        if self.conv3 is not None:
            x = torch.relu(self.conv3(x))
        x = torch.relu(self.fc(x.flatten(1)))
        with torch.autocast(x.device.type, enabled=False):
            x = x.float()
            return self.policy(x), self.value(x).squeeze(-1)


def act(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Sample actions by the Gumbel trick; also return their log-probabilities."""
    noise = -torch.log(-torch.log(torch.rand_like(logits).clamp_(1e-9, 1 - 1e-7)))
    action = (logits + noise).argmax(-1)
    return action, logits.log_softmax(-1).gather(1, action[:, None]).squeeze(1)


def pixels(observation: NDArray[np.uint8], device: torch.device) -> torch.Tensor:
    """Stacked grey frames (batch, stack, 84, 84) as 0..1, channels last: float32 (batch, 84, 84, stack)."""
    return torch.from_numpy(observation).to(device).permute(0, 2, 3, 1).contiguous().float() / 255.0


def make_envs(game: str, count: int, threads: int, max_frames: int = MAX_FRAMES) -> AtariVectorEnv:
    """Environments with the protocol above.

    `episodic_life` stays off: with it, ale-py 0.12 restarts the whole game at every lost life.
    """
    if game not in (known := roms.get_all_rom_ids()):
        near = difflib.get_close_matches(game.lower(), known, 3) or known
        raise TrainerError(f"ale-py has no game {game!r}; name one of: {', '.join(near)}")
    return AtariVectorEnv(
        game,
        num_envs=count,
        num_threads=threads,
        frameskip=FRAME_SKIP,
        stack_num=STACK,
        maxpool=True,
        grayscale=True,
        img_height=SIZE,
        img_width=SIZE,
        noop_max=NOOP_MAX,
        repeat_action_probability=0.0,
        max_num_frames_per_episode=max_frames,
        episodic_life=False,
        use_fire_reset=False,
        reward_clipping=False,
        autoreset_mode="SameStep",
    )


# --- training ---------------------------------------------------------------------------------------------------------


def setting(default: Any, text: str) -> Any:
    """A setting with its help."""
    return field(default=default, metadata={"help": text})


@dataclass
class Settings:
    """Everything that decides how a run goes; saved as `settings.json` in its folder."""

    game: str
    network: str = setting("nature", "trunk: nature (three convolutions, 2015) or nips (two, 2013)")
    hidden: int = setting(512, "width of the layer before the heads")
    frames: int = setting(40_000_000, "emulator frames to train; four a step")
    seed: int = setting(1, "of weights, sampling and games")
    envs: int = setting(16, "games played at once")
    rollout: int = setting(128, "steps of each game between updates")
    epochs: int = setting(4, "passes over a rollout")
    minibatch: int = setting(256, "steps a gradient step sees")
    learning_rate: float = setting(2.5e-4, "of Adam at the start; falls linearly to 0 at --frames")
    gamma: float = setting(0.99, "discount of a step")
    gae_lambda: float = setting(0.95, "lambda of the advantage estimates")
    clip: float = setting(0.1, "clip range of the policy's ratio and of the value")
    entropy: float = setting(0.01, "weight of the entropy bonus")
    value_weight: float = setting(0.5, "weight of the value loss")
    max_grad_norm: float = setting(0.5, "gradients are clipped to this norm")
    fp32: bool = setting(False, "no bf16 autocast (for processors that are slow in it)")

    @property
    def command(self) -> str:
        """The command line that trains such a run, but for its folder."""
        given = [f for f in fields(self)[1:] if getattr(self, f.name) != f.default or f.name in {"frames", "seed"}]
        flags = [
            f"--{f.name.replace('_', '-')}" + ("" if f.type is bool else f" {getattr(self, f.name)}") for f in given
        ]
        return " ".join(["python agents/train_atari.py train", self.game, *flags])


def read_settings(folder: Path) -> Settings:
    """Settings of the run in a folder."""
    if not (folder / "settings.json").exists():
        raise TrainerError(f"{folder} holds no run: it has no settings.json; give the folder that `train` wrote")
    return Settings(**json.loads((folder / "settings.json").read_text()))


def schedule(last: int) -> list[int]:
    """Frames at which a checkpoint is kept: 0, 50k, 100k, 200k ... and the last."""
    marks, mark = [0], 50_000
    while mark < last:
        marks.append(mark)
        mark *= 2
    return [*marks, last]


def action_names(game: str) -> list[str]:
    """Names of the actions that a policy for this game chooses from: the console's minimal set, in its order."""
    envs = make_envs(game, 1, 1)
    names = [action.name for action in envs.ale.get_action_set()]
    envs.close()
    return names


class Run:
    """A run's folder: checkpoints by frames, and one file from which training resumes."""

    def __init__(self, folder: Path, settings: Settings, device: torch.device):
        self.folder, self.settings, self.device = folder, settings, device
        actions = action_names(settings.game)
        (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
        write(folder / "settings.json", json.dumps(asdict(settings), indent=2) + "\n")
        torch.manual_seed(settings.seed)
        self.net = ActorCritic(settings.network, len(actions), settings.hidden).to(device)
        self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.Adam(self.net.parameters(), settings.learning_rate, eps=1e-5, fused=True)
        self.frames = 0
        self.resume()

    def resume(self) -> None:
        """Continue from `resume.pt` if it is there: weights, optimiser, random state, frames."""
        path = self.folder / "resume.pt"
        if path.exists():
            saved = torch.load(path, map_location=self.device, weights_only=True)
            self.net.load_state_dict(saved["net"])
            self.optimizer.load_state_dict(saved["optimizer"])
            torch.set_rng_state(saved["rng"].cpu())
            self.frames = saved["frames"]

    def save(self) -> None:
        """Write `resume.pt` by a temporary name, so that a kill leaves the old one or the new one."""
        state = {
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rng": torch.get_rng_state(),
            "frames": self.frames,
        }
        torch.save(state, self.folder / "resume.tmp")
        os.replace(self.folder / "resume.tmp", self.folder / "resume.pt")

    def checkpoint(self) -> None:
        """Keep today's weights under the number of frames trained."""
        write(self.folder / "checkpoints" / f"{self.frames:012d}.safetensors", save(self.weights()))

    def weights(self) -> dict[str, torch.Tensor]:
        """Today's weights, on the CPU."""
        return {k: v.detach().cpu().contiguous() for k, v in self.net.state_dict().items()}


def advantages(
    rewards: torch.Tensor, values: torch.Tensor, ends: torch.Tensor, last_value: torch.Tensor, gamma: float, lam: float
) -> torch.Tensor:
    """Generalised advantage estimates, (rollout, envs) like the rewards, values and ends they are made of.

    `ends[t]` is 1 where step t ended the bootstrap, else 0; `last_value` (envs,) is the value after the last step.
    A game cut off at the cap ends it too, as in CleanRL.

    Source: Schulman et al. 2016, arXiv:1506.02438.
    """
    result = torch.zeros_like(rewards)
    running = torch.zeros_like(last_value)
    for t in reversed(range(len(rewards))):
        following = last_value if t == len(rewards) - 1 else values[t + 1]
        alive = 1.0 - ends[t]
        delta = rewards[t] + gamma * following * alive - values[t]
        running = delta + gamma * lam * alive * running
        result[t] = running
    return result


class Trainer:
    """PPO on one run: collect a rollout, learn from it, log, save."""

    def __init__(self, run: Run, threads: int):
        self.run, self.bf16 = run, not run.settings.fp32
        s = run.settings
        self.envs = make_envs(s.game, s.envs, threads)
        observation, info = self.envs.reset(seed=s.seed * 1000 + run.frames)
        self.observation, self.lives = observation, info["lives"].copy()
        shape = (s.rollout, s.envs)
        self.kind = torch.bfloat16 if self.bf16 else torch.float32
        # Pixels in 0..1, last axis the stack: a channels-last image, ready for the convolution.
        self.inputs = torch.empty((*shape, SIZE, SIZE, STACK), dtype=self.kind, device=run.device)
        self.actions = torch.empty(shape, dtype=torch.long, device=run.device)
        self.logprobs, self.values, self.rewards, self.ends = (torch.empty(shape, device=run.device) for _ in range(4))
        self.return_so_far = np.zeros(s.envs)
        self.returns: deque[float] = deque(maxlen=100)
        self.games = 0

    def infer(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits and values of inputs (batch, 84, 84, stack)."""
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=self.bf16):
            logits, values = self.run.net(inputs.permute(0, 3, 1, 2))
        return logits, values

    def prepare(self, observation: NDArray[np.uint8]) -> torch.Tensor:
        """Network inputs of an observation, in the precision that the network is run in."""
        return pixels(observation, self.run.device).to(self.kind)

    @torch.no_grad()
    def collect(self) -> torch.Tensor:
        """Play one rollout; return the value of the state after it."""
        for t in range(self.run.settings.rollout):
            inputs = self.prepare(self.observation)
            logits, value = self.infer(inputs)
            action, logprob = act(logits)
            self.inputs[t], self.actions[t], self.logprobs[t], self.values[t] = inputs, action, logprob, value
            self.observation, reward, terminated, truncated, info = self.envs.step(action.cpu().numpy())
            over = terminated | truncated
            lost = (info["lives"] < self.lives) | over
            self.lives = info["lives"].copy()
            self.rewards[t] = torch.as_tensor(np.sign(reward), dtype=torch.float32)
            self.ends[t] = torch.as_tensor(lost, dtype=torch.float32)
            self.return_so_far += reward
            for i in np.flatnonzero(over):
                self.returns.append(float(self.return_so_far[i]))
                self.return_so_far[i] = 0.0
                self.games += 1
        return self.infer(self.prepare(self.observation))[1]

    def learn(self, last_value: torch.Tensor, learning_rate: float) -> dict[str, float]:
        """Some epochs of minibatches over the rollout."""
        s, net, optimizer = self.run.settings, self.run.net, self.run.optimizer
        gae = advantages(self.rewards, self.values, self.ends, last_value, s.gamma, s.gae_lambda)
        inputs = self.inputs.flatten(0, 1)
        actions, logprobs, advantage = self.actions.flatten(), self.logprobs.flatten(), gae.flatten()
        old_values = self.values.flatten()
        targets = advantage + old_values
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
        stats = {"policy_loss": 0.0, "value_loss": 0.0, "entropy": 0.0, "clipped": 0.0}
        count = 0
        for _ in range(s.epochs):
            for index in torch.split(torch.randperm(len(actions), device=inputs.device), s.minibatch):
                logits, value = self.infer(inputs[index])
                logp = logits.log_softmax(-1)
                ratio = (logp.gather(1, actions[index, None]).squeeze(1) - logprobs[index]).exp()
                gain = advantage[index]
                gain = (gain - gain.mean()) / (gain.std() + 1e-8)
                policy_loss = -torch.min(gain * ratio, gain * ratio.clamp(1 - s.clip, 1 + s.clip)).mean()
                near = old_values[index] + (value - old_values[index]).clamp(-s.clip, s.clip)
                value_loss = 0.5 * torch.max((value - targets[index]) ** 2, (near - targets[index]) ** 2).mean()
                entropy = -(logp.exp() * logp).sum(-1).mean()
                loss = policy_loss + s.value_weight * value_loss - s.entropy * entropy
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(net.parameters(), s.max_grad_norm)
                optimizer.step()
                stats["policy_loss"] += policy_loss.item()
                stats["value_loss"] += value_loss.item()
                stats["entropy"] += entropy.item()
                stats["clipped"] += ((ratio - 1).abs() > s.clip).float().mean().item()
                count += 1
        return {name: total / count for name, total in stats.items()}


def progress_bar(text: str) -> Progress:
    """A bar with this text beside it."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn(text),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, speed_estimate_period=300)


class Attention:
    """Attention beside the return, for `--track`: the one thing here that needs the inspector.

    At the start, and as each multiple of --track-every is reached, the present weights are explained on the states of a
    probe set that `inspector track` wrote; the share of the positive relevance that every region has goes to
    TensorBoard, with a picture of one state.
    """

    def __init__(self, probe: Path, every: int, run: "Run", writer: Any):
        try:
            from inspector.errors import InspectorError
            from inspector.track.meter import AttentionMeter
        except ImportError as error:
            raise TrainerError("--track explains by the inspector, which is not installed: pip install -e .") from error
        self.every, self.run, self.writer = every, run, writer
        try:
            self.meter = AttentionMeter(probe)
            self.measure()
        except InspectorError as error:
            raise TrainerError(f"--track {probe}: {error}") from error

    def log(self) -> None:
        """Measure, if it is time."""
        if self.run.frames >= self.due:
            self.measure()

    def measure(self) -> None:
        """Explain the states under the present weights, and log what was found."""
        from inspector.load import load_agent

        path, frames = self.run.folder / "tracked.safetensors", self.run.frames
        write(path, save(self.run.weights()))
        try:
            agent = load_agent(path, environment=f"ALE/{rom_id_to_name(self.run.settings.game)}-v5", output="logits")
        finally:
            path.unlink()
        for name, share in self.meter.shares(agent).items():
            self.writer.add_scalar(f"attention/{name}", share, frames)
        self.writer.add_image("attention/overlay", self.meter.picture(agent), frames, dataformats="HWC")
        self.due = (frames // self.every + 1) * self.every


def train(arguments: argparse.Namespace) -> int:
    """Train until `--frames`; resume if the folder holds a run."""
    given = {f.name: v for f in fields(Settings)[1:] if (v := getattr(arguments, f.name)) is not None}
    folder = arguments.out or Path("runs") / arguments.game
    settings = Settings(arguments.game, **given)
    if (folder / "settings.json").exists():
        before = read_settings(folder)
        settings = Settings(**{**asdict(before), **given, "game": arguments.game})
        for name in ("game", "network", "hidden"):
            old, new = getattr(before, name), getattr(settings, name)
            if old != new:
                raise TrainerError(f"{folder} holds a run with {name} {old}, not {new}; give another folder by --out")
    torch.set_num_threads(arguments.threads)
    run = Run(folder, settings, torch.device(arguments.device))
    trainer = Trainer(run, arguments.threads)
    marks = [m for m in schedule(settings.frames) if m > run.frames]
    if run.frames == 0:
        run.checkpoint()
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise TrainerError("the scalars go to TensorBoard, which is not installed: pip install tensorboard") from error

    writer = SummaryWriter(str(folder / "tensorboard"), purge_step=run.frames)
    tracked = Attention(arguments.track, arguments.track_every, run, writer) if arguments.track else None
    curve = (folder / "curve.csv").open("a", buffering=1)
    stopping: list[bool] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.append(True))
    per_rollout = settings.envs * settings.rollout * FRAME_SKIP
    text = "{task.percentage:>4.1f} %  {task.fields[rate]:.0f} steps/s  return {task.fields[mean]:.1f}"
    saved = began = time.monotonic()
    with progress_bar(text) as progress:
        bar = progress.add_task(settings.game, total=settings.frames, completed=run.frames, rate=0.0, mean=math.nan)
        while run.frames < settings.frames and not stopping:
            start = time.monotonic()
            share_left = 1.0 - run.frames / settings.frames
            stats = trainer.learn(trainer.collect(), settings.learning_rate * share_left)
            run.frames += per_rollout
            now = time.monotonic()
            rate = per_rollout / FRAME_SKIP / (now - start)
            mean = float(np.mean(trainer.returns)) if trainer.returns else math.nan
            progress.update(bar, completed=min(run.frames, settings.frames), rate=rate, mean=mean)
            for name, value in {**stats, "return": mean, "steps_per_second": rate}.items():
                writer.add_scalar(f"train/{name}", value, run.frames)
            if tracked:
                tracked.log()
            curve.write(f"{run.frames},{mean:.4f},{len(trainer.returns)},{stats['entropy']:.4f},{rate:.0f}\n")
            if marks and run.frames >= marks[0]:
                marks = [m for m in marks if m > run.frames]
                run.checkpoint()
                run.save()
            if now - saved > 60:
                run.save()
                saved = now
    run.save()
    writer.close()
    curve.close()
    word = "stopped at" if stopping else "trained"
    print(f"{word} {run.frames:,} frames in {(time.monotonic() - began) / 60:.1f} min: {folder}")
    return 130 if stopping else 0


# --- evaluation -------------------------------------------------------------------------------------------------------


def checkpoint_files(folder: Path, marks: Sequence[int] | None) -> list[Path]:
    """A run's checkpoints by frames: all, or for each mark the first with at least so many frames."""
    paths = sorted((folder / "checkpoints").glob("*.safetensors"))
    if marks is None:
        return paths
    chosen = set()
    for mark in marks:
        later = [path for path in paths if int(path.stem) >= mark]
        if not later:
            raise TrainerError(f"{folder} has no checkpoint of {mark:,} frames or more; see {folder / 'checkpoints'}")
        chosen.add(later[0])
    return sorted(chosen)


def float16_weights(path: Path) -> dict[str, torch.Tensor]:
    """Weights as they ship."""
    return {name: tensor.half().contiguous() for name, tensor in load_file(path).items()}


@dataclass
class Game:
    """A full game: its unclipped return, its length in steps, and whether the cap cut it off."""

    number: int
    total: float = 0.0
    length: int = 0
    cut: bool = False


@torch.inference_mode()
def play(net: ActorCritic, envs: Sequence[AtariVectorEnv], games: int, seed: int) -> Iterator[Game]:
    """Play a fixed number of games with the sampled policy; yield each as it ends.

    Games are numbered, each with its own seeds for no-ops and sampling. A free environment takes the next number, and
    every game that began counts: the first so many to finish would be the short ones. The environments hold one game
    each, so that none plays on unwatched while the last games end.
    """
    device, first = next(net.parameters()).device, seed * 100_000
    dice = [np.random.default_rng((seed, number)) for number in range(games)]
    coming = iter(range(games))
    tables = [(env, Game(number), env.reset(seed=first + number)[0]) for env, number in zip(envs, coming, strict=False)]
    while tables:
        observations = np.concatenate([observation for _, _, observation in tables])
        logits = net(pixels(observations, device).permute(0, 3, 1, 2))[0].cpu().numpy()
        for (env, game, _), row in zip(tables, logits, strict=True):
            env.send(np.array([(row + dice[game.number].gumbel(size=len(row))).argmax()]))
        going = []
        for env, game, _ in tables:
            observation, reward, terminated, truncated, _ = env.recv()
            game.total += float(reward[0])
            game.length += 1
            game.cut = bool(truncated[0])
            if not terminated[0] and not truncated[0]:
                going.append((env, game, observation))
                continue
            yield game
            going += [(env, Game(number), env.reset(seed=first + number)[0]) for number in itertools.islice(coming, 1)]
        tables = going


def interval(returns: Sequence[float]) -> list[float]:
    """95 % interval of the mean over games: percentiles of 10,000 bootstrap means."""
    means = np.random.default_rng(0).choice(returns, (10_000, len(returns))).mean(1)
    return [round(float(bound), 4) for bound in np.percentile(means, [2.5, 97.5])]


def read_evaluations(folder: Path) -> list[dict[str, Any]]:
    """What `evaluate` found in this run so far, ordered by frames."""
    path = folder / "evaluation.json"
    return json.loads(path.read_text()) if path.exists() else []


def evaluate(arguments: argparse.Namespace) -> int:
    """Play full games under every checkpoint; what is already measured the same way is not played again."""
    folder, settings = arguments.run, read_settings(arguments.run)
    paths = checkpoint_files(folder, arguments.checkpoint)
    torch.set_num_threads(arguments.threads)
    device = torch.device(arguments.device)
    count = min(arguments.envs, arguments.games)
    envs = [make_envs(settings.game, 1, 1, arguments.max_frames) for _ in range(count)]
    net = ActorCritic(settings.network, len(action_names(settings.game)), settings.hidden).to(device)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    asked = {"games": arguments.games, "seed": arguments.seed, "max_frames": arguments.max_frames}
    with progress_bar("{task.completed} of {task.total} games  {task.fields[rate]:.0f} steps/s") as progress:
        for path in paths:
            key = {"frames": int(path.stem), "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), **asked}
            known = [e for e in read_evaluations(folder) if key.items() <= e.items()]
            entry = known[0] if known else key | evaluate_one(net, envs, path, arguments, progress)
            others = [e for e in read_evaluations(folder) if e["frames"] != entry["frames"]]
            lines = [json.dumps(e) for e in sorted([*others, entry], key=lambda e: int(e["frames"]))]
            write(folder / "evaluation.json", "[\n" + ",\n".join(lines) + "\n]\n")
            low, high = entry["interval"]
            what = f"mean return {entry['mean_return']:.1f}  95 % interval {low:.1f} to {high:.1f}"
            progress.console.print(f"{entry['frames']:>12,} frames  {what}  {entry['games']} games", highlight=False)
    return 0


def evaluate_one(
    net: ActorCritic, envs: Sequence[AtariVectorEnv], path: Path, arguments: argparse.Namespace, progress: Progress
) -> dict[str, Any]:
    """Measure one checkpoint with float16 weights, as bundled, and a float32 forward pass."""
    net.load_state_dict({name: tensor.float() for name, tensor in float16_weights(path).items()})
    bar = progress.add_task(f"{int(path.stem):,} frames", total=arguments.games, rate=0.0)
    began, games = time.monotonic(), []
    for game in play(net, envs, arguments.games, arguments.seed):
        games.append(game)
        rate = sum(game.length for game in games) / (time.monotonic() - began)
        progress.update(bar, advance=1, rate=rate)
    progress.remove_task(bar)
    games.sort(key=lambda game: game.number)
    returns = [game.total for game in games]
    return {
        "mean_return": round(sum(returns) / len(returns), 4),
        "interval": interval(returns),
        "truncated": sum(game.cut for game in games),
        "seconds": round(time.monotonic() - began, 1),
        "returns": returns,
        "lengths": [game.length for game in games],
    }


# --- the command line -------------------------------------------------------------------------------------------------


def positive(text: str) -> int:
    """A whole number above zero."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{number} is not above zero")
    return number


def parse(words: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    machine = argparse.ArgumentParser(add_help=False)
    machine.add_argument("--threads", type=positive, default=os.cpu_count() or 1, help="default: as many as cores")
    machine.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="default %(default)s")

    one = commands.add_parser("train", parents=[machine], help="train, or resume a run")
    one.add_argument("game", help="as ale-py names it: breakout, pong, space_invaders ...")
    one.add_argument("--out", type=Path, help="the run's folder (default runs/GAME)")
    for item in fields(Settings)[1:]:
        name, text = f"--{item.name.replace('_', '-')}", item.metadata["help"]
        if item.type is bool:
            one.add_argument(name, action="store_true", default=None, help=text)
            continue
        kind: Any = positive if item.type is int else item.type
        choices = ["nature", "nips"] if item.name == "network" else None
        one.add_argument(
            name,
            type=kind,
            choices=choices,
            metavar="N" if choices is None else None,
            help=f"{text} (default {item.default})",
        )
    text = "log attention on this probe set, as `inspector track` wrote it: --track recordings/track-breakout/probe.npz"
    one.add_argument("--track", type=Path, metavar="FILE", help=text)
    one.add_argument("--track-every", type=positive, default=200_000, metavar="N", help="frames (default %(default)s)")
    one.set_defaults(command=train)

    one = commands.add_parser("evaluate", parents=[machine], help="play full games under every checkpoint of a run")
    one.add_argument("run", type=Path, help="the run's folder; results go to its evaluation.json")
    one.add_argument("--games", type=positive, default=30, help="full games a checkpoint (default %(default)s)")
    one.add_argument("--envs", type=positive, default=10, help="games played at once (default %(default)s)")
    one.add_argument("--seed", type=int, default=1, help="of no-ops and sampling (default %(default)s)")
    one.add_argument("--max-frames", type=positive, default=MAX_FRAMES, help="cap of a game (default %(default)s)")
    text = "only these: the first checkpoint of at least so many frames, for each"
    one.add_argument("--checkpoint", type=int, nargs="+", metavar="FRAMES", help=text)
    one.set_defaults(command=evaluate)

    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Run one of the two commands; what cannot be done is one line on stderr."""
    arguments = parse(words)
    try:
        return int(arguments.command(arguments))
    except KeyboardInterrupt:
        print("train_atari: stopped; what is finished is kept", file=sys.stderr)
        return 130
    except (TrainerError, OSError) as error:
        print(f"train_atari: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
