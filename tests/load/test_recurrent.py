"""Policies that sb3-contrib itself made are rebuilt, remember as they do, and are explained."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from inspector.errors import CheckpointError, UsageError
from inspector.load import load_agent, recurrent_network
from inspector.lrp import Explainer

STEPS = 50


@pytest.fixture(scope="module")
def game() -> Iterator[Any]:
    """Breakout as stable-baselines3 wraps it."""
    import ale_py
    import gymnasium
    from stable_baselines3.common.env_util import make_atari_env
    from stable_baselines3.common.vec_env import VecFrameStack, VecTransposeImage

    gymnasium.register_envs(ale_py)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # gymnasium would rather play the newer version of the game
        made = VecTransposeImage(VecFrameStack(make_atari_env("BreakoutNoFrameskip-v4", seed=0), 4))
    yield made
    made.close()


def ppo(game: Any, steps: int = 0, **policy: Any) -> Any:
    """A recurrent agent of the real class, with a small LSTM."""
    from sb3_contrib import RecurrentPPO

    settings = {"lstm_hidden_size": 24, **policy}
    model = RecurrentPPO(
        "CnnLstmPolicy", game, n_steps=16, batch_size=16, n_epochs=1, seed=5, device="cpu", policy_kwargs=settings
    )
    if steps:
        model.learn(steps)
    model.policy.set_training_mode(False)
    return model


def own_logits(policy: Any, observation: Tensor, states: Any, starts: Tensor) -> Tensor:
    """The logits of the policy's own layers."""
    features = policy.extract_features(observation)
    features = features if policy.share_features_extractor else features[0]
    latent, _ = policy._process_sequence(features, states.pi, starts, policy.lstm_actor)
    return policy.action_net(policy.mlp_extractor.forward_actor(latent))  # type: ignore[no-any-return]


def gap(explanation: Any) -> float:
    """By how much the ledger does not close, relative to the score or the relevance, whichever is larger."""
    parts = (explanation.values, *explanation.memory)
    size = max(float(explanation.score.abs()), sum(float(part.abs().sum()) for part in parts))
    return float((sum(explanation.ledger.values()) - explanation.score).abs()) / size


POLICIES: dict[str, dict[str, Any]] = {
    "an LSTM for each": {},
    "one LSTM for both": {"enable_critic_lstm": False, "shared_lstm": True},
    "an LSTM for the actor alone": {"enable_critic_lstm": False},
    "layers after the LSTMs": {"net_arch": {"pi": [12], "vf": [10, 8]}, "activation_fn": nn.ReLU},
    "no trunk in common": {"share_features_extractor": False, "net_arch": [12]},
    "nothing in common": {"share_features_extractor": False, "enable_critic_lstm": False, "net_arch": [12]},
    "no biases": {"lstm_kwargs": {"bias": False}},
}


@pytest.mark.parametrize("kind", POLICIES)
def test_scores_and_values_of_an_episode_are_the_policys_own_and_are_explained(
    game: Any, tmp_path: Path, kind: str
) -> None:
    from sb3_contrib.common.recurrent.type_aliases import RNNStates

    model = ppo(game, 32 if kind == "an LSTM for each" else 0, **POLICIES[kind])
    model.save(tmp_path / "agent.zip")
    network, policy = recurrent_network(tmp_path / "agent.zip"), model.policy
    explainer, memory = Explainer(network), network.start()
    assert len(memory) == (4 if policy.lstm_critic is not None else 2)
    nothing = torch.zeros(policy.lstm_hidden_state_shape)
    states, starts = RNNStates((nothing, nothing), (nothing, nothing)), torch.ones(1)
    pixels = game.reset()
    remembered = []
    for step in range(STEPS):
        with torch.no_grad():
            observation = torch.as_tensor(pixels)
            logits = own_logits(policy, observation, states, starts)
            actions, value, _, states = policy.forward(observation, states, starts, deterministic=step % 2 == 0)
        run = explainer.run(observation.float() / 255, memory=memory)
        torch.testing.assert_close(run.outputs.scores, logits, rtol=0, atol=1e-5)
        torch.testing.assert_close(run.outputs.value, value[:, 0], rtol=0, atol=1e-5)
        if step % 10 == 9:
            explanation = run.explain("score", actions=actions)
            assert max(gap(explanation), gap(run.explain("value"))) <= 1e-5
            remembered.append(float(explanation.ledger["memory"].abs()))
        memory = run.memory
        pixels, _, ended, _ = game.step(actions.numpy())
        starts = torch.as_tensor(ended).float()
        if ended[0]:
            memory = network.start()
    assert sum(share > 1e-6 for share in remembered) >= 4


def test_a_critic_without_a_memory_gives_none_of_its_relevance_to_one(game: Any) -> None:
    policy = ppo(game, enable_critic_lstm=False).policy
    network = recurrent_network(policy.state_dict())
    memory = tuple(torch.randn(3, 24) for _ in network.start(3))
    run = Explainer(network).run(torch.rand(3, 4, 84, 84), memory=memory)
    assert not run.explain("value").ledger["memory"].any()
    assert bool(run.explain("score").ledger["memory"].all())


def test_each_of_two_lstms_explains_with_its_own_memory(game: Any) -> None:
    network = recurrent_network(ppo(game).policy.state_dict())
    memory = tuple(torch.randn(2, 24) for _ in network.start(2))
    run = Explainer(network).run(torch.rand(2, 4, 84, 84), memory=memory)
    of_score, of_value = run.explain("score").memory, run.explain("value").memory
    assert [bool(part.any()) for part in of_score] == [True, True, False, False]
    assert [bool(part.any()) for part in of_value] == [False, False, True, True]


def test_a_zip_a_state_dict_and_files_of_it_give_the_same_network(game: Any, tmp_path: Path) -> None:
    model = ppo(game, net_arch=[12])
    tensors = model.policy.state_dict()
    model.save(tmp_path / "agent.zip")
    torch.save({"state_dict": tensors}, tmp_path / "agent.pt")
    save_file({name: tensor.clone() for name, tensor in tensors.items()}, tmp_path / "agent.safetensors")
    inputs = torch.rand(2, 4, 84, 84)
    sources = [tensors, *(tmp_path / f"agent.{ending}" for ending in ("zip", "pt", "safetensors"))]
    found = [network(inputs, *network.start(2)) for network in map(recurrent_network, sources)]
    for scores, values, memory in found[1:]:
        assert torch.equal(scores, found[0][0]) and torch.equal(values, found[0][1])
        assert all(torch.equal(one, other) for one, other in zip(memory, found[0][2], strict=True))
    other = recurrent_network(tensors, activation="ReLU")
    assert not torch.equal(other(inputs, *other.start(2))[0], found[0][0])


def test_recording_a_recurrent_policy_is_refused_and_the_way_in_python_is_named(game: Any, tmp_path: Path) -> None:
    model = ppo(game)
    model.save(tmp_path / "agent.zip")
    torch.save(model.policy.state_dict(), tmp_path / "agent.pt")
    for name in ("agent.zip", "agent.pt"):
        with pytest.raises(
            CheckpointError, match=r"RecurrentPPO\): recording one is not supported.*Python: inspector"
        ) as e:
            load_agent(tmp_path / name)
        assert "inspector.load.recurrent_network" in str(e.value) and "\n" not in str(e.value)


def test_what_is_no_recurrent_policy_is_refused(game: Any, tmp_path: Path) -> None:
    tensors = dict(ppo(game).policy.state_dict())
    plain = {name: tensor for name, tensor in tensors.items() if "lstm" not in name}
    with pytest.raises(CheckpointError, match="no layer lstm_actor: it is no recurrent policy; load_agent opens"):
        recurrent_network(plain)
    layers = ppo(game, n_lstm_layers=2).policy.state_dict()
    with pytest.raises(CheckpointError, match=r"has 'lstm_actor.bias_hh_l1': an LSTM of one plain layer is supported"):
        recurrent_network(layers)
    for name, change, message in (
        ("lstm_actor.weight_hh_l0", None, "no lstm_actor.weight_hh_l0: its LSTM is not whole"),
        ("lstm_actor.weight_hh_l0", torch.zeros(96, 23), r"lstm_actor.weight_hh_l0 .* 96 rows for an LSTM of size 23"),
        ("lstm_actor.weight_ih_l0", torch.zeros(96, 8), "takes 8 inputs, but what comes before it gives 512"),
        ("lstm_actor.bias_ih_l0", None, "with biases or without"),
        ("value_net.weight", torch.zeros(2, 24), "a critic with 2 outputs in place of one"),
        ("surprise.weight", torch.zeros(2, 24), "layers that no network known here has: 'surprise'"),
        ("action_net.weight", torch.full((4, 24), torch.nan), "NaN or infinite"),
    ):
        other = tensors | {name: change} if change is not None else {k: v for k, v in tensors.items() if k != name}
        with pytest.raises(CheckpointError, match=message):
            recurrent_network(other)
    small = {name: tensor for name, tensor in tensors.items() if ".cnn." not in name}
    with pytest.raises(CheckpointError, match="no CnnLstmPolicy"):
        recurrent_network(small)
    with pytest.raises(UsageError, match="height"):
        recurrent_network(tensors, preprocessing={"height": "tall"})
