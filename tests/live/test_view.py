"""The view in windows of many sizes: what is there, what gives way, and never garbage."""

import numpy as np
import pytest

from inspector.live.cells import CHARACTER, PLAIN, Cells
from inspector.live.scene import ACTION_KEYS, OVERLAYS, Past, Scene
from inspector.live.view import View
from inspector.records import Decision, Region

SHARES = np.array([0.5, 0.1, 0.4], np.float32)


@pytest.fixture
def scene() -> Scene:
    generator = np.random.default_rng(0)
    made = Scene(
        title="Breakout",
        agent="breakout · 42.0 M frames (13 of 13)",
        explained="epsilon_plus · score",
        action_names=("NOOP", "FIRE", "RIGHT", "LEFT"),
        output="logits",
        region_names=("ball", "behind_wall", "background"),
        screen=generator.integers(0, 255, (210, 160, 3), np.uint8),
        on_screen=generator.normal(size=(210, 160)).astype(np.float32),
        full_strength=2.0,
        decision=Decision(action=2, scores=np.array([0.1, -1.0, 2.0, 0.5], np.float32), value=1.5),
        target_action=2,
        target_name="RIGHT",
        frame_shares=np.array([0.1, 0.2, 0.3, 0.4], np.float32),
        region_shares=SHARES,
        regions=(Region("ball", ((80, 100, 2, 4),)), Region("behind_wall", ((8, 32, 144, 25),))),
        tracked=2.0,
        return_so_far=12.0,
        lives=3,
        keys=(("q", "quit"), ("?", "help"), ("space", "pause"), ("r", "record")),
        action_keys=ACTION_KEYS,
        pace="1×",
    )
    made.past.extend(
        Past(float(np.sin(number / 9)), SHARES, number % 40 == 0, number % 70 == 69, False) for number in range(90)
    )
    return made


def text(cells: Cells) -> list[str]:
    return ["".join(map(chr, row)) for row in (cells[..., 0] & CHARACTER).tolist()]


@pytest.mark.parametrize(("rows", "columns"), [(60, 200), (40, 120), (30, 100), (24, 80), (20, 60)])
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_window_is_filled_with_what_it_has_room_for(scene: Scene, rows: int, columns: int, overlay: str) -> None:
    scene.overlay = overlay  # type: ignore[assignment]
    cells = View("truecolor").draw(scene, rows, columns)
    assert cells.shape == (rows, columns, 3)
    lines = text(cells)
    whole = "\n".join(lines)
    for word in ("Breakout", "return", "12", "▸2 RIGHT", "for / against RIGHT", "ball", "q quit"):
        assert word in whole, word
    assert ("explained score" in whole) == (rows >= 28)
    assert all(len(line) == columns and line.isprintable() for line in lines)


def test_a_picture_has_colours_and_without_any_it_has_characters(scene: Scene) -> None:
    coloured, plain = (View(depth).draw(scene, 30, 100) for depth in ("truecolor", "none"))
    assert (coloured[1:20, 5:50, 2] != PLAIN).mean() > 0.5
    assert "▀" in "".join(text(coloured)) and "▀" not in "".join(text(plain))


@pytest.mark.parametrize(("rows", "columns"), [(19, 200), (60, 59), (3, 10), (1, 1)])
def test_a_window_too_small_is_told_so(scene: Scene, rows: int, columns: int) -> None:
    cells = View("truecolor").draw(scene, rows, columns)
    assert cells.shape == (rows, columns, 3)
    assert text(cells)[0].startswith(f"the window is {columns}×{rows}"[:columns])


def test_many_actions_leave_room_and_the_best_are_kept(scene: Scene) -> None:
    scene.action_names = tuple(f"ACTION{number}" for number in range(18))
    scene.decision = Decision(action=17, scores=np.arange(18, dtype=np.float32), value=None)
    whole = "\n".join(text(View("truecolor").draw(scene, 20, 60)))
    assert "▸k ACTION17" in whole
    assert "ACTION0 " not in whole


def test_q_values_of_any_sign_and_scores_that_are_no_numbers_are_drawn(scene: Scene) -> None:
    scene.output = "q_values"
    for scores in ([-3.0, -1.0, -2.0, -4.0], [np.nan, 1.0, np.inf, 0.0], [2.0, 2.0, 2.0, 2.0]):
        scene.decision = Decision(action=1, scores=np.array(scores, np.float32), value=None)
        assert "Q-value" in "\n".join(text(View("truecolor").draw(scene, 30, 100)))


def test_help_and_notices_take_the_place_of_what_they_are_about(scene: Scene) -> None:
    scene.help, scene.notice = True, "snapshot: live.png"
    lines = text(View("truecolor").draw(scene, 30, 100))
    assert any("record" in line for line in lines[:-1]) and "snapshot: live.png" in lines[-1]


def test_names_out_of_files_cannot_command_the_terminal(scene: Scene) -> None:
    scene.agent = "evil\x1b]0;title\x07\x1b[2J"
    assert all(line.isprintable() for line in text(View("truecolor").draw(scene, 30, 100)))
