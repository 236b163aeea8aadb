"""Bars of classes: the largest are seen, and rows do not jump."""

import numpy as np
import pytest

from inspector.draw.clip_classes import ROWS, ClassRows, draw_classes
from inspector.draw.palette import ACCENT, FAINT, PANEL


def test_few_classes_keep_their_order_whatever_their_probability() -> None:
    rows, rng = ClassRows(8, 25.0), np.random.default_rng(0)
    for _ in range(20):
        assert rows.update(rng.dirichlet(np.ones(8)), [3]) == tuple(range(8))


def test_of_many_classes_the_largest_come_first_in_their_order() -> None:
    probabilities = np.full(100, 0.001)
    probabilities[[7, 50, 20, 99, 0, 31]] = (0.3, 0.25, 0.1, 0.08, 0.06, 0.05)
    assert ClassRows(100, 25.0).update(probabilities, [7]) == (7, 50, 20, 99, 0, 31)


@pytest.mark.parametrize("target", [3, 399])
def test_the_target_and_the_class_recognised_have_a_row_always(target: int) -> None:
    rows, rng = ClassRows(400, 25.0), np.random.default_rng(1)
    for _ in range(100):
        probabilities = rng.dirichlet(np.full(400, 0.05))
        recognised = int(probabilities.argmax())
        shown = rows.update(probabilities, [recognised, target])
        assert {recognised, target} <= set(shown)
        assert len(set(shown)) == len(shown) == ROWS


def test_a_class_that_stays_keeps_its_row() -> None:
    rows, rng = ClassRows(400, 25.0), np.random.default_rng(2)
    before: tuple[int, ...] = ()
    for _ in range(200):
        shown = rows.update(rng.dirichlet(np.full(400, 0.02)), [5])
        for kept in set(before) & set(shown):
            assert before.index(kept) == shown.index(kept)
        before = shown


def test_two_classes_that_are_nearly_alike_do_not_take_turns() -> None:
    rows, changes = ClassRows(20, 25.0), 0
    before = rows.update(np.full(20, 0.05), [0])
    rng = np.random.default_rng(3)
    for _ in range(200):
        shown = rows.update(0.05 + 0.002 * rng.normal(size=20), [0])
        changes += shown != before
        before = shown
    assert changes == 0


def test_a_class_that_takes_over_is_seen_within_seconds() -> None:
    rows = ClassRows(20, 25.0)
    first, then = np.full(20, 0.001), np.full(20, 0.001)
    first[:6], then[10:16] = 0.16, 0.16
    for _ in range(500):
        rows.update(first, [0])
    for _ in range(150):
        shown = rows.update(then, [10])
    assert set(shown) == set(range(10, 16))


def test_probabilities_that_are_not_numbers_are_borne() -> None:
    shown = ClassRows(20, 25.0).update(np.full(20, np.nan), [19, 3])
    assert {19, 3} <= set(shown)


def panel_of(count: int, **more: int | None) -> np.ndarray:
    panel = np.full((448, 272, 3), PANEL, np.uint8)
    rows = list(range(min(count, ROWS)))
    known: dict[str, int | None] = {"recognised": 1, "target": 1, **more}
    recognised = known["recognised"]
    assert recognised is not None
    names = [f"class {index}" for index in range(count)]
    draw_classes(panel, names, np.full(count, 1 / count), rows, recognised, known["target"])
    return panel


def test_the_rest_of_many_classes_is_counted() -> None:
    line = slice(448 - 52, 448 - 52 + 22)
    assert (panel_of(400)[line] == FAINT).all(axis=2).any()
    assert (panel_of(6)[line] == PANEL).all()


def test_another_target_is_marked_and_takes_no_accent() -> None:
    same, other = panel_of(6), panel_of(6, target=4)
    rows = np.nonzero((same != other).any(axis=(1, 2)))[0]
    assert 38 + 4 * 57 < rows.min() < rows.max() < 38 + 5 * 60
    assert np.array_equal((same == ACCENT).all(axis=2), (other == ACCENT).all(axis=2))
