"""A small run of the fuzz: `python -m tests.clips.fuzz 500` is the large one."""

from tests.clips.fuzz import LOST, MUTATIONS, OTHER, WHOLE, run


def test_a_mutant_is_whole_in_number_or_a_clear_error() -> None:
    table = run(60)
    found = {outcome for _, outcome in table}
    assert table.total() == 60
    assert LOST not in found and OTHER not in found
    assert WHOLE in found and "error: is damaged" in found  # it does both
    assert {name for name, _ in table} == {act.__name__ for act in MUTATIONS}
