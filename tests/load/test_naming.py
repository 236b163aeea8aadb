"""What names of files tell: steps or frames, and nothing where they count something else."""

from pathlib import Path

import pytest

from inspector.load.naming import of_one_kind, trained_by_name


@pytest.mark.parametrize(
    ("name", "number", "unit"),
    [
        ("rl_model_1000_steps.zip", 1000, "steps"),
        ("ppo_1000timesteps.pt", 1000, "steps"),
        ("global_step_1000.pt", 1000, "steps"),
        ("seed1_step_1000.pt", 1000, "steps"),
        ("epoch=3-step=1000.pt", 1000, "steps"),
        ("step_1000_return_35.pt", 1000, "steps"),
        ("agent_env_steps_1000.pt", 1000, "steps"),
        ("dqn_000000.cleanrl_model", 0, "steps"),
        ("agent-1000.pt", 1000, "steps"),
        ("agent.1000.pt", 1000, "steps"),
        ("1000.pt", 1000, "steps"),
        ("agent_4000_frames.pt", 4000, "frames"),
        ("frame4000.pt", 4000, "frames"),
        ("000000024576.safetensors", 24576, "frames"),
        ("000000024576.pt", 24576, "steps"),
        ("ppo_1_000_000_steps.pt", 1_000_000, "steps"),
        ("agent_100_000.pt", 100_000, "steps"),
        ("seed_1_500_steps.pt", 500, "steps"),
    ],
)
def test_training_time_is_read_from_a_name(name: str, number: int, unit: str) -> None:
    assert trained_by_name(Path("folder_7") / name) == (number, unit)


@pytest.mark.parametrize(
    "name",
    [
        "agent.pt",
        "agent_iter10.pt",
        "agent_iter_10.pt",
        "epoch=3.pt",
        "update-5.pt",
        "ep_3.pt",
        "model_v2.pt",
        "model_2e6.pt",
        "model_2M.pt",
        "model_v1.5.pt",
        "grad_step_10.pt",
        "10_update_steps.pt",
        "agent_seed_1.pt",
        "step_1.5.pt",
        "agent_1000_final.pt",
        "2026-05-01.pt",
        "ppo_2026_05_01.pt",
    ],
)
def test_a_number_of_something_else_is_no_training_time(name: str) -> None:
    assert trained_by_name(Path(name)) is None


NUMBERED = ["rl_model_1_steps.zip", "rl_model_20_steps.zip", "rl_model_300_steps.zip"]


@pytest.mark.parametrize(
    ("others", "told"),
    [
        (["final.zip"], "final.zip"),
        (["best_model.zip", "BreakoutNoFrameskip-v4.zip"], "best_model.zip, BreakoutNoFrameskip-v4.zip"),
        (["a.zip", "x_1.zip", "y_1.pt", "rl_model_1_steps.pt", "z1.zip"], None),
        ([f"best_{letter}.zip" for letter in "abc"], "best_a.zip, best_b.zip, best_c.zip"),
        ([f"best_{letter}.zip" for letter in "abcd"], None),
        ([f"agent_iter{number}.pt" for number in range(3)], None),
        ([], None),
    ],
)
def test_files_beside_the_numbered_ones_are_left_out_where_those_are_the_most(
    others: list[str], told: str | None
) -> None:
    files = [Path(name) for name in (*others, *NUMBERED)]
    kept, note = of_one_kind(files)
    if told is None:
        assert (kept, note) == (files, None)
    else:
        assert [file.name for file in kept] == NUMBERED
        assert note == f"left out: {told}, not named as the 3 rl_model_*_steps.zip"


def test_a_note_names_a_few_and_counts_the_rest() -> None:
    files = [Path(f"agent_{number}.pt") for number in range(9)] + [Path(f"{letter}.pt") for letter in "abcdef"]
    assert of_one_kind(files)[1] == "left out: a.pt, b.pt, c.pt, d.pt and 2 more, not named as the 9 agent_*.pt"


@pytest.mark.parametrize("names", [["early.pt", "late.pt"], ["early.pt", "late_1.pt"]])
def test_files_that_follow_no_pattern_stay_together(names: list[str]) -> None:
    files = [Path(name) for name in names]
    assert of_one_kind(files) == (files, None)


def test_numbers_in_groups_of_thousands_are_of_one_kind_with_longer_ones() -> None:
    files = [Path(f"ppo_{number}_steps.pt") for number in ("500_000", "900_000", "1_000_000", "1_500_000")]
    assert of_one_kind(files) == (files, None)
