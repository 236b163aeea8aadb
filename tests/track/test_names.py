"""Names of series where there is little room."""

import pytest

from inspector.track.names import cut_name


@pytest.mark.parametrize("length", range(3, 40))
def test_a_long_name_keeps_its_beginning_and_its_end(length: int) -> None:
    name = "ppo_pong_with_a_long_name_seed_1"
    short = cut_name(name, length)
    assert len(short) == min(length, len(name))
    begin, _, end = short.partition("…")
    assert name.startswith(begin) and name.endswith(end)


def test_runs_that_differ_at_the_end_stay_apart() -> None:
    assert len({cut_name(f"ppo_pong_with_a_long_name_seed_{seed}", 15) for seed in range(3)}) == 3
