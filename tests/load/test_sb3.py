"""Zips that stable-baselines3 itself wrote give its own scores."""

import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inspector.errors import CheckpointError, UsageError
from inspector.load import describe, load_agent
from tests.load.files import ACTIONS, as_inputs, largest_difference, largest_gap, nature_trunk, observations, saved


class Pictures(gymnasium.Env[Any, Any]):
    """Random pictures, for the real library to train on."""

    observation_space = gymnasium.spaces.Box(0, 255, (84, 84, 4), np.uint8)
    action_space = gymnasium.spaces.Discrete(ACTIONS)

    def reset(self, **_: Any) -> tuple[Any, dict[str, Any]]:
        """A picture."""
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Another picture, and a point now and then."""
        return self.observation_space.sample(), float(action == 0), False, False, {}


def train(name: str, path: Path, steps: int = 0, **policy: Any) -> Any:
    """Make and save an agent with stable-baselines3."""
    import stable_baselines3

    settings: dict[str, Any] = {
        "PPO": {"n_steps": 16, "batch_size": 16, "n_epochs": 1},
        "A2C": {},
        "DQN": {"buffer_size": 50, "learning_starts": 4},
    }[name]
    # Random pictures are no game that the library would not warn about.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = getattr(stable_baselines3, name)(
            "CnnPolicy", Pictures(), seed=3, device="cpu", policy_kwargs=policy, **settings
        )
        model.learn(steps)
    model.save(path)
    return model


def own_output(model: Any, pixels: Tensor) -> tuple[Tensor, Tensor | None]:
    """What stable-baselines3's own network gives: raw scores, and values where there is a critic."""
    policy = model.policy
    with torch.no_grad():
        if hasattr(policy, "q_net"):
            return policy.q_net(pixels), None
        features = policy.extract_features(pixels)
        if policy.share_features_extractor:
            features = (features, features)
        latent = policy.mlp_extractor.forward_actor(features[0])
        return policy.action_net(latent), policy.value_net(policy.mlp_extractor.forward_critic(features[1]))


@pytest.fixture(scope="module")
def ppo_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PPO agent, saved and not altered by any test."""
    path = tmp_path_factory.mktemp("sb3") / "ppo.zip"
    train("PPO", path)
    return path


def rewrite(source: Path, target: Path, change: Callable[[dict[str, Any]], None], policy: bytes | None = None) -> Path:
    """Copy a zip with its `data` changed, and perhaps other weights."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "data":
                data = json.loads(content)
                change(data)
                content = json.dumps(data).encode()
            new.writestr(name, policy if policy is not None and name == "policy.pth" else content)
    return target


@pytest.mark.parametrize(
    ("name", "steps", "policy"),
    [
        ("PPO", 64, {}),
        ("A2C", 40, {}),
        ("DQN", 40, {}),
        ("PPO", 0, {"share_features_extractor": False}),
        ("PPO", 0, {"net_arch": {"pi": [32, 24], "vf": [16]}, "activation_fn": nn.ReLU}),
        ("A2C", 0, {"net_arch": [32], "share_features_extractor": False}),
        ("DQN", 0, {"net_arch": [64]}),
    ],
)
def test_scores_and_values_equal_those_of_stable_baselines3(
    tmp_path: Path, name: str, steps: int, policy: dict[str, Any]
) -> None:
    model = train(name, tmp_path / "agent.zip", steps, **policy)
    agent = load_agent(tmp_path / "agent.zip")
    pixels = observations()
    scores, values = agent.scores(as_inputs(pixels))
    expected, expected_values = own_output(model, torch.from_numpy(pixels))
    assert largest_difference(scores, expected) <= 1e-5
    assert (values is None) == (expected_values is None)
    if values is not None and expected_values is not None:
        assert largest_difference(values, expected_values) <= 1e-5
    assert agent.action_count == ACTIONS
    assert agent.output == ("q_values" if name == "DQN" else "logits")
    assert agent.facts.algorithm == name.lower()


def test_frames_are_steps_times_the_frame_skip_and_the_environment_stays_open(tmp_path: Path) -> None:
    model = train("A2C", tmp_path / "agent.zip", 40)
    facts = load_agent(tmp_path / "agent.zip").facts
    assert facts.checkpoint.frames == 4 * model.num_timesteps == 160
    assert facts.environment is None
    assert load_agent(tmp_path / "agent.zip", preprocessing={"frame_skip": 2}).facts.checkpoint.frames == 80
    assert load_agent(tmp_path / "agent.zip", environment="ALE/Pong-v5").facts.environment == "ALE/Pong-v5"


def test_what_the_zip_does_not_say_is_assumed_in_one_line_but_for_sticky_actions_until_it_is_said(
    ppo_zip: Path,
) -> None:
    agent = load_agent(ppo_zip)
    recipe = agent.preprocessing
    assert (recipe.grey, recipe.padding, recipe.noop_max, recipe.fire_reset) == ("rgb", "zeros", 30, True)
    assert (recipe.episodic_life, recipe.sticky, recipe.stack, recipe.divisor) == (True, 0.0, 4, 255.0)
    usual = "preprocessing as usual with stable-baselines3, the file does not say:"
    assert f"{usual} sticky 0.0" in agent.facts.assumed
    (line,) = [line for line in agent.facts.assumed if line.startswith(f"{usual} frame_skip 4, ")]
    assert "max_pool on" in line and "grey rgb" in line
    assert not any(name in line for name in ("stack ", "height", "divisor"))
    told = load_agent(ppo_zip, preprocessing={"sticky": 0.25, "grey": "ale"})
    assert told.preprocessing.sticky == 0.25
    (line,) = told.facts.assumed
    assert "max_pool on" in line and "sticky" not in line and "grey" not in line


def test_what_the_user_says_against_the_weights_is_refused(ppo_zip: Path) -> None:
    with pytest.raises(UsageError, match=r"gives logits, not q_values: leave out --output-kind \(output= in Python\)"):
        load_agent(ppo_zip, output="q_values")
    with pytest.raises(UsageError, match=r"stack is said to be 3, but .* has 4: leave out --stack"):
        load_agent(ppo_zip, preprocessing={"stack": 3})
    with pytest.raises(UsageError, match=r"architecture nature, not nips"):
        load_agent(ppo_zip, architecture="nips")
    with pytest.raises(CheckpointError, match=r"on a network input of 96x96: say its --height and --width"):
        load_agent(ppo_zip, preprocessing={"height": 96, "width": 96})


def test_a_stated_number_of_actions_that_the_weights_contradict_is_reported_and_the_weights_count(
    ppo_zip: Path, tmp_path: Path
) -> None:
    def lie(data: dict[str, Any]) -> None:
        data["action_space"]["n"] = "18"

    path = rewrite(ppo_zip, tmp_path / "lie.zip", lie)
    agent = load_agent(path)
    line = f"the file states 18 actions, its weights have {ACTIONS}: the weights were taken"
    assert agent.action_count == ACTIONS and line in agent.facts.assumed
    assert describe(path)["warnings"] == [line]


def test_a_zip_stripped_of_its_hints_loads_by_its_weights_alone(ppo_zip: Path, tmp_path: Path) -> None:
    path = rewrite(ppo_zip, tmp_path / "bare.zip", lambda data: data.clear())
    agent, whole = load_agent(path), load_agent(ppo_zip)
    assert agent.facts.algorithm is None and agent.facts.checkpoint.frames is None
    inputs = as_inputs(observations(2))
    assert np.array_equal(agent.scores(inputs)[0], whole.scores(inputs)[0])


def test_images_that_the_policy_did_not_divide_are_not_divided(tmp_path: Path) -> None:
    model = train("PPO", tmp_path / "agent.zip", normalize_images=False)
    agent = load_agent(tmp_path / "agent.zip")
    pixels = observations(10)
    assert agent.input_bounds == (0.0, 255.0)
    expected, _ = own_output(model, torch.from_numpy(pixels).float())
    assert largest_difference(agent.scores(pixels.astype(np.float32))[0], expected) <= 1e-5


def quantile_layout(quantiles: int) -> tuple[nn.Module, nn.Module, dict[str, Tensor]]:
    """A QR-DQN as sb3-contrib names its layers: a trunk, and a head whose slow index is the quantile."""
    trunk, head = nature_trunk(), nn.Linear(32, quantiles * ACTIONS)
    tensors: dict[str, Tensor] = {}
    for prefix in ("quantile_net.", "quantile_net_target."):
        for number, place in ((0, "cnn.0"), (2, "cnn.2"), (4, "cnn.4"), (7, "linear.0")):
            for kind, tensor in trunk[number].state_dict().items():
                tensors[f"{prefix}features_extractor.{place}.{kind}"] = tensor
        for kind, tensor in head.state_dict().items():
            tensors[f"{prefix}quantile_net.0.{kind}"] = tensor
    return trunk, head, tensors


def test_the_scores_of_qr_dqn_are_the_means_of_its_quantiles(ppo_zip: Path, tmp_path: Path) -> None:
    torch.manual_seed(4)
    trunk, head, tensors = quantile_layout(50)
    path = rewrite(
        ppo_zip, tmp_path / "qr.zip", lambda data: data.update(policy_kwargs={"n_quantiles": 50}), saved(tensors)
    )
    agent = load_agent(path)
    pixels = as_inputs(observations(20))
    expected = head(trunk(torch.from_numpy(pixels))).view(-1, 50, ACTIONS).mean(1)
    assert largest_difference(agent.scores(pixels)[0], expected) <= 1e-5
    assert (agent.output, agent.facts.algorithm) == ("q_values", "qr-dqn")
    assert "mean of 50 quantiles" in agent.facts.architecture


@pytest.mark.parametrize("policy", [{}, {"n_quantiles": 25, "net_arch": [16]}])
def test_the_scores_of_qr_dqn_are_those_of_sb3_contrib_and_are_explained(
    tmp_path: Path, policy: dict[str, Any]
) -> None:
    from sb3_contrib import QRDQN

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = QRDQN(
            "CnnPolicy", Pictures(), seed=3, device="cpu", buffer_size=50, learning_starts=4, policy_kwargs=policy
        )
        model.learn(12)
    model.save(tmp_path / "agent.zip")
    agent, pixels = load_agent(tmp_path / "agent.zip"), observations(20)
    with torch.no_grad():
        expected = model.policy.quantile_net(torch.from_numpy(pixels)).mean(1)
    assert largest_difference(agent.scores(as_inputs(pixels))[0], expected) <= 1e-5
    assert agent.action_count == ACTIONS and agent.facts.algorithm == "qr-dqn"
    assert largest_gap(agent, as_inputs(pixels)) <= 1e-5


def test_quantiles_that_do_not_divide_the_head_are_refused(ppo_zip: Path, tmp_path: Path) -> None:
    path = rewrite(ppo_zip, tmp_path / "qr.zip", lambda data: None, saved(quantile_layout(50)[2]))
    with pytest.raises(CheckpointError, match="300 outputs, which are not 200 quantiles of 6 actions"):
        load_agent(path)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"lstm_actor.weight_ih_l0": torch.ones(4, 4)}, "recurrent policy"),
        ({"log_std": torch.ones(2)}, "continuous actions"),
        ({"actor.mu.weight": torch.ones(2, 2)}, "SAC, TD3, DDPG"),
        ({"action_net.weight": torch.ones(2, 64)}, "no CnnPolicy"),
        ({"surprise.weight": torch.ones(2, 64)}, "algorithm that is not supported"),
    ],
)
def test_policies_that_are_not_supported_are_refused_by_name(
    ppo_zip: Path, tmp_path: Path, tensors: dict[str, Tensor], message: str
) -> None:
    path = rewrite(ppo_zip, tmp_path / "other.zip", lambda data: None, saved(tensors))
    with pytest.raises(CheckpointError, match=message):
        load_agent(path)


def test_a_layer_that_no_known_policy_has_is_refused(ppo_zip: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(ppo_zip) as archive, archive.open("policy.pth") as member:
        tensors = torch.load(member, weights_only=True)
    tensors["extra.weight"] = torch.ones(3, 3)
    path = rewrite(ppo_zip, tmp_path / "extra.zip", lambda data: None, saved(tensors))
    with pytest.raises(CheckpointError, match="layers that no network known here has: 'extra'"):
        load_agent(path)


def test_multidiscrete_actions_are_refused(ppo_zip: Path, tmp_path: Path) -> None:
    kind = "<class 'gymnasium.spaces.multi_discrete.MultiDiscrete'>"
    path = rewrite(ppo_zip, tmp_path / "m.zip", lambda data: data.update(action_space={":type:": kind}))
    with pytest.raises(CheckpointError, match="MultiDiscrete'>: Atari needs a Discrete choice"):
        load_agent(path)


def test_floating_observations_need_their_divisor_said(ppo_zip: Path, tmp_path: Path) -> None:
    path = rewrite(ppo_zip, tmp_path / "f.zip", lambda data: data["observation_space"].update(dtype="float32"))
    with pytest.raises(
        CheckpointError, match=r"observations of type float32.* say what they were divided by, --divisor"
    ):
        load_agent(path)
    assert load_agent(path, preprocessing={"divisor": 255.0}).preprocessing.divisor == 255.0
