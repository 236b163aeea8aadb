"""`inspector live` in terminals of many sizes: what it shows is what is drawn from nothing, cell by cell."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector.live.colours import Depth
from tests.live.fresh import Fresh, fresh
from tests.live.session import Session

STEPS = 40


@pytest.fixture(scope="module")
def breakout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Breakout, played for some decisions and then standing still."""
    with Session(
        *("live", "breakout", "--steps", str(STEPS), "--speed", "max", "--device", "cpu"),
        folder=tmp_path_factory.mktemp("breakout"),
    ) as session:
        session.wait_for("paused")
        yield session


@pytest.fixture(scope="module")
def again() -> Iterator[Fresh]:
    """The same in this process."""
    with fresh("breakout") as play:
        play.go(STEPS)
        yield play


SIXTEEN = {str(base + one) for base in (30, 40, 90, 100) for one in range(8)}

WORDS = {
    (60, 200): "value stacked t−3 tunnel behind wall background explained score × life lost s snapshot",
    (30, 100): "value stacked t−3 tunnel behind wall background explained score × life lost n new",
    (20, 60): "tunnel behind background c C",
}


def test_a_window_of_any_size_shows_what_is_drawn_from_nothing_and_nothing_of_before(
    breakout: Session, again: Fresh
) -> None:
    for size in [(60, 200), (20, 60), (30, 100), (5, 10), (40, 120), (60, 200), (30, 100)]:
        breakout.resize(*size)
        again.wait_for(breakout)
        lines = breakout.lines
        assert (len(lines), len(lines[0])) == size
        assert all(line.isprintable() for line in lines)
        if size == (5, 10):
            assert [line.strip() for line in lines] == ["the window", "60×20 are", "q quits", "", ""]
            continue
        # the keys stand where it was said for some seconds that as much was played as asked for
        breakout.wait_for(*f"Breakout paused return lives ▸3 LEFT ball q quit {WORDS.get(size, '')}".split())


def test_a_window_that_changes_faster_than_it_can_be_drawn_shows_the_last_size(breakout: Session, again: Fresh) -> None:
    for size in [(60, 200), (20, 60), (5, 10), (40, 120), (20, 60), (61, 199), (30, 100)]:
        breakout.resize(*size)
    again.wait_for(breakout)


def test_pong_has_other_words_and_no_lives(tmp_path: Path) -> None:
    arguments = ("live", "pong", "--steps", str(STEPS), "--speed", "max", "--device", "cpu")
    with Session(*arguments, size=(60, 200), folder=tmp_path) as session, fresh("pong") as play:
        play.go(STEPS)
        session.wait_for("paused")
        play.wait_for(session)
        shown = session.text
        for word in "Pong return value probability RIGHTFIRE LEFTFIRE enemy ◦ negative background".split():
            assert word in shown, word
        assert "lives" not in shown and "life" not in shown
        session.press("q")
        assert session.exit_code() == 0 and session.has_given_back
        assert session.after.startswith("\x1b[1mwatched: 40 steps")


@pytest.mark.parametrize(
    ("depth", "options", "shown", "codes"),
    [
        ("256", (), "256", {"38;5", "48;5"}),
        ("256", ("--color", "truecolor"), "truecolor", {"38;2", "48;2"}),
        ("truecolor", ("--color", "16"), "16", SIXTEEN),
        ("none", (), "none", set()),
        ("truecolor", ("--color", "none"), "none", set()),
    ],
)
def test_with_any_colours_it_is_the_same_screen_and_no_other_colours_are_sent(
    depth: Depth, options: tuple[str, ...], shown: Depth, codes: set[str], again: Fresh, tmp_path: Path
) -> None:
    arguments = ("live", "breakout", "--steps", str(STEPS), "--speed", "max", "--device", "cpu", *options)
    with Session(*arguments, depth=depth, shown=shown, folder=tmp_path) as session:
        session.wait_for("paused")
        Fresh(again.playing, shown).wait_for(session)
        found = colour_codes(session.written)
    assert found <= codes and len(found) >= len(codes) / 2


def colour_codes(written: bytes) -> set[str]:
    """What the sequences that set looks say of colours, but for the terminal's own."""
    found = set()
    for sequence in re.findall(rb"\x1b\[([0-9;]*)m", written):
        codes = iter(sequence.decode().split(";"))
        for code in codes:
            if code in ("38", "48"):
                kind = next(codes)
                found.add(f"{code};{kind}")
                for _ in range(3 if kind == "2" else 1):
                    next(codes)
            elif len(code) > 1 and code not in ("39", "49"):
                found.add(code)
    return found
