"""The view in windows of many sizes: what is there, what gives way, and never garbage."""

import random

import numpy as np
import pytest
from rich.cells import cell_len

from inspector.draw.palette import ACCENT, AGAINST, BRIGHT, FOR
from inspector.live.cells import CHARACTER, PLAIN, Cells
from inspector.live.colours import DEPTHS, Depth
from inspector.live.loop import COMMON_KEYS
from inspector.live.playing import keys_for
from inspector.live.replay import Replay
from inspector.live.scene import ACTION_KEYS, OVERLAYS, Keys, Past, Scene
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


@pytest.mark.parametrize(("rows", "columns"), [(60, 200), (30, 100), (20, 60)])
def test_many_actions_leave_room_for_the_regions(scene: Scene, rows: int, columns: int) -> None:
    scene.action_names = tuple(f"ACTION{number}" for number in range(18))
    scene.decision = Decision(action=0, scores=np.arange(18, dtype=np.float32), value=None)
    scene.target_action, scene.target_name = 1, "ACTION1"
    scene.region_names = (*(f"region {number}" for number in range(6)), "background")
    scene.region_shares, scene.regions = np.full(7, 1 / 7, np.float32), ()
    scene.past.clear()
    whole = "\n".join(text(View("truecolor").draw(scene, rows, columns)))
    assert all(word in whole for word in ("▸0 ACTION0", "▹1 ACTION1", " k ACTION17", "region 0", "background"))
    assert ("ACTION5 " in whole) == (rows == 60)


def test_of_too_many_regions_those_with_the_largest_shares_are_shown(scene: Scene) -> None:
    scene.region_names = (*(f"region {number}" for number in range(20)), "background")
    scene.region_shares = np.arange(21, dtype=np.float32) / 210
    whole = "\n".join(text(View("truecolor").draw(scene, 20, 60)))
    assert "for / against RIGHT" in whole and "region 19" in whole and "region 2 " not in whole


@pytest.mark.parametrize(
    ("target", "columns", "said"),
    [
        ("RIGHT", 100, "relevance for / against RIGHT"),
        ("RIGHT over LEFT", 60, "for / against → over ←"),
        ("DOWNRIGHTFIRE over UPFIRE", 60, "for ↘ FIRE over ↑ FIRE"),
        ("the value", 60, "for / against the value"),
    ],
)
def test_what_is_explained_is_said_in_the_words_there_is_room_for(
    scene: Scene, target: str, columns: int, said: str
) -> None:
    scene.target_name = target
    assert f" {said} ─" in "\n".join(text(View("truecolor").draw(scene, 30, columns)))


def test_q_values_of_any_sign_and_scores_that_are_no_numbers_are_drawn(scene: Scene) -> None:
    scene.output = "q_values"
    for scores in ([-3.0, -1.0, -2.0, -4.0], [np.nan, 1.0, np.inf, 0.0], [2.0, 2.0, 2.0, 2.0]):
        scene.decision = Decision(action=1, scores=np.array(scores, np.float32), value=None)
        assert "Q-value" in "\n".join(text(View("truecolor").draw(scene, 30, 100)))


def test_a_notice_takes_the_place_of_the_keys(scene: Scene) -> None:
    scene.notice = "snapshot: live.png"
    assert "snapshot: live.png" in text(View("truecolor").draw(scene, 30, 100))[-1]


@pytest.mark.parametrize("own", [keys_for(18), Replay.keys], ids=["live", "replay"])
def test_help_tells_every_key_in_the_smallest_window_and_the_footer_whole_ones(scene: Scene, own: Keys) -> None:
    scene.keys, scene.help = (*COMMON_KEYS[:3], *own, *COMMON_KEYS[3:]), True
    *lines, footer = text(View("truecolor").draw(scene, 20, 60))
    shown = [" ".join(line[34:].split()) for line in lines]
    assert all(f"{key} {meaning}" in shown for key, meaning in scene.keys)
    assert "▹ explained, not taken" in shown
    entries = [" ".join(entry.split()) for entry in footer.split("  ") if entry.strip()]
    assert entries[:3] == ["q quit", "? help", "space pause"]
    assert set(entries) <= {f"{key} {meaning}" for key, meaning in scene.keys}


def test_a_meaning_too_long_for_a_line_goes_on_in_the_next(scene: Scene) -> None:
    scene.keys, scene.help = (("x", "do one thing and then another"), ("y", "more")), True
    shown = [" ".join(line[34:].split()) for line in text(View("truecolor").draw(scene, 20, 60))]
    assert shown[2:5] == ["x do one thing and then", "another", "y more"]


def test_colours_of_relevance_and_of_the_action_taken_mean_nothing_else(scene: Scene) -> None:
    scene.filming, scene.pace, scene.notice, scene.target_action = "0:01.0", "paused", "a word", 1
    cells = View("truecolor").draw(scene, 60, 200)
    dot = text(cells)[0].index("●")
    assert cells[0, dot, 1] == cells[0, -5, 1] == cells[-1, 1, 1] == _packed(BRIGHT)
    texts = cells[cells[..., 0] & CHARACTER != ord("▀")]
    for colour in (FOR, AGAINST):
        letters = "".join(map(chr, (texts[texts[:, 1] == _packed(colour)][:, 0] & CHARACTER).tolist()))
        assert letters.strip() in ("for", "against")
    taken = "".join(map(chr, (texts[texts[:, 1] == _packed(ACCENT)][:, 0] & CHARACTER).tolist()))
    assert taken.split()[:2] == ["▸2", "RIGHT"] and set(taken[8:]) <= set(" ▏▎▍▌▋▊▉█")


def _packed(colour: tuple[int, int, int]) -> int:
    return colour[0] << 16 | colour[1] << 8 | colour[2]


def test_characters_of_two_cells_or_none_do_not_shift_what_follows(scene: Scene) -> None:
    scene.title, scene.agent = "ブロック崩し 🎮❤\ufe0f", "e\u0301te\u0301 · 漢字" * 3
    for columns in (60, 100, 200):
        header = text(View("truecolor").draw(scene, 30, columns))[0]
        assert header.endswith(" 1× ") and len(header) == columns and cell_len(header) == columns
    assert "été" in header


WORDS = (
    "",
    "a",
    "ball",
    "behind_wall",
    "漢字",
    "🎮",
    "e\u0301",
    "\x1b[2J",
    "\n",
    "x" * 300,
    "UPRIGHTFIRE",
    "UP over DOWN",
)


def any_scene(chance: random.Random) -> Scene:
    """A scene of anything that may come, the worst included."""
    generator = np.random.default_rng(chance.randrange(1 << 30))
    numbers = [0.0, 1.0, -1.0, 1e-30, 1e30, -123456.0, np.nan, np.inf, -np.inf]
    actions, regions = chance.choice([1, 2, 4, 18, 30]), chance.choice([0, 1, 2, 8, 20])
    height, width = chance.choice([(210, 160), (250, 160), (84, 84), (1, 1), (3, 400), (300, 2)])

    def word() -> str:
        return "".join(chance.choices(WORDS, k=chance.randrange(3)))

    def some(count: int) -> np.ndarray:
        plain = generator.random(count)
        return np.array(chance.choices(numbers, k=count) if chance.random() < 0.3 else plain / plain.sum(), np.float32)

    names = (*(word() for _ in range(regions)), "background")[: chance.choice([0, regions + 1])]
    made = Scene(
        title=word(),
        agent=word(),
        explained=word(),
        action_names=tuple(word() for _ in range(actions)),
        output=chance.choice(["logits", "q_values"]),
        region_names=names,
        screen=generator.integers(0, 255, (height, width, 3), np.uint8),
        on_screen=chance.choice([None, generator.normal(size=(height, width)).astype(np.float32)]),
        decision=Decision(chance.randrange(actions), some(actions), chance.choice([None, *numbers])),
        target_action=chance.choice([None, chance.randrange(actions)]),
        target_name=word(),
        frame_shares=chance.choice([None, some(1), some(4), some(32)]),
        region_shares=some(len(names)) if names and chance.random() < 0.8 else None,
        regions=tuple(Region(name, ((0, 0, 2, 1),)) for name in names[:-1]),
        tracked=chance.choice(numbers),
        return_so_far=chance.choice(numbers),
        lives=chance.choice([None, 0, 5, 1 << 40]),
        measure=chance.choice(["relevance", "sensitivity"]),
        unit=chance.choice("ab"),
        overlay=chance.choice(OVERLAYS),
        keys=tuple((word(), word()) for _ in range(chance.randrange(30))),
        action_keys=chance.choice(["", ACTION_KEYS]),
        pace=word(),
        filming=word(),
        notice=word(),
        help=chance.random() < 0.3,
    )
    for _ in range(chance.choice([0, 1, 300])):
        shares = some(len(names)) if names and chance.random() < 0.8 else None
        unit = "ab"[chance.random() < 0.1]
        made.past.append(Past(chance.choice(numbers), shares, chance.choice(numbers), False, False, unit))
    return made


@pytest.mark.parametrize("seed", range(8))
def test_whatever_comes_is_drawn_in_windows_of_any_size(seed: int) -> None:
    chance = random.Random(seed)
    views = [View(depth) for depth in DEPTHS]
    for _ in range(60):
        view, made = chance.choice(views), any_scene(chance)
        for largest in (20, 71, 230):
            rows, columns = chance.randrange(largest), chance.randrange(largest)
            cells = view.draw(made, rows, columns)
            assert cells.shape == (rows, columns, 3)
            for line in text(cells):
                assert line.isprintable() and len(line) == cell_len(line) == columns


def test_names_out_of_files_cannot_command_the_terminal(scene: Scene) -> None:
    scene.agent = "evil\x1b]0;title\x07\x1b[2J"
    assert all(line.isprintable() for line in text(View("truecolor").draw(scene, 30, 100)))


@pytest.mark.parametrize(
    ("actions", "said"), [(4, "0-3"), (6, "0-5"), (10, "0-9"), (11, "0-9 d"), (12, "0-9 de"), (18, "0-9 d-k")]
)
def test_only_keys_that_there_are_are_named(actions: int, said: str) -> None:
    assert keys_for(actions)[-1] == (said, "explain an action")


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("size", [(60, 200), (20, 60), (10, 30)])
def test_it_is_dark_in_light_terminals_too(scene: Scene, depth: Depth, size: tuple[int, int]) -> None:
    colours = View(depth).draw(scene, *size)[..., 1:]
    assert (colours == PLAIN).any() == (depth == "none")
