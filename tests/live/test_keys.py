"""Keys out of bytes: pieces, sequences, and characters of several bytes."""

import os
import time

import pytest

from inspector.live.keys import Keys, names


@pytest.mark.parametrize(
    ("sent", "keys"),
    [
        ("a[]", ["a", "[", "]"]),
        (" .\r\t", [" ", ".", "enter", "tab"]),
        ("\x1b[A\x1b[B\x1b[C\x1b[D", ["up", "down", "right", "left"]),
        ("\x1bOA\x1b[H\x1b[F\x1b[1~\x1b[4~", ["up", "home", "end", "home", "end"]),
        ("\x1b[5~\x1b[6~", ["page up", "page down"]),
        ("\x1b[1;5C", ["right"]),
        ("\x1b[99Zq", ["q"]),
        ("\x1b[200~q\nn\x1b[201~.", ["."]),
        ("\x1b]11;rgb:0000/0000/0000\x1b\\o\x1b]q\x07o\x1bPq\x1b\\", ["o", "o"]),
        ("\x1b[[A\x1b[[Bo", ["o"]),
        ("\x1bno\x1b\x1b", ["o", "escape", "escape"]),
        ("\x1b[2;7R\x1b[17;16Ro\x1b[1;2R", ["seen 2 7", "seen 17 16", "o"]),
        ("\x1b", ["escape"]),
        ("ü", ["ü"]),
        ("\x00\x01", []),
    ],
)
def test_keys_have_the_names_that_a_person_gives_them(sent: str, keys: list[str]) -> None:
    assert list(names(sent)) == keys


def test_keys_come_as_they_are_pressed() -> None:
    reader, writer = os.pipe()
    keys = Keys(reader)
    assert keys.wait(0.01) == []
    os.write(writer, "é".encode()[:1])
    assert keys.wait(0.01) == []
    os.write(writer, "é".encode()[1:] + b"q")
    assert keys.wait(0.01) == ["é", "q"]
    os.close(writer)
    assert keys.wait(5.0) == [] and keys.closed
    start = time.monotonic()
    assert keys.wait(5.0) == []
    assert time.monotonic() - start < 4.0
    os.close(reader)


def test_a_sequence_that_comes_in_two_parts_is_no_key_of_its_letters() -> None:
    reader, writer = os.pipe()
    keys = Keys(reader)
    os.write(writer, b"q\x1b[")
    assert keys.wait(0.01) == ["q"]
    time.sleep(0.06)
    os.write(writer, b"2;3R\x1b[?62;22c.")
    assert keys.wait(0.01) == ["seen 2 3", "."]
    os.close(reader)
    os.close(writer)


def test_what_is_pasted_in_pieces_presses_nothing() -> None:
    reader, writer = os.pipe()
    keys, heard = Keys(reader), list[str]()
    for piece in (b"o\x1b[200~q", b"n" * 10_000, b"q\x1b[2", b"01~s"):
        os.write(writer, piece)
        while more := keys.wait(0.0):
            heard += more
        time.sleep(0.04)
    heard += keys.wait(0.0)
    assert heard == ["o", "s"]
    os.close(reader)
    os.close(writer)


def test_a_paste_that_never_ends_keeps_nobody_from_his_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    keys, now = Keys(reader), [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    for at, sent, heard in ((0.0, b"\x1b[200~q", []), (0.9, b"q", []), (2.0, b"o", ["o"])):
        now[0] = at
        os.write(writer, sent)
        assert keys.wait(0.0) == heard
    os.close(reader)
    os.close(writer)
