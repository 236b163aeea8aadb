"""Regions that a user draws."""

from pathlib import Path

import numpy as np
import pytest

from inspector.atari.objects import read_regions
from inspector.errors import UsageError
from inspector.records import Region, Seen

SEEN = Seen(np.zeros((1, 210, 160, 3), np.uint8), None)


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, "utf-8")
    return path


def test_drawn_regions_are_the_same_on_every_screen(tmp_path: Path) -> None:
    text = "[regions]\nroad_2 = [8, 20.5, 152, 160]\ncorners = [[0, 0, 8, 8], [152, 202, 8, 8]]\n"
    finder = read_regions(written(tmp_path, text))
    assert finder.names == ("road_2", "corners")
    regions = finder.regions(SEEN, None)
    assert regions == finder.regions(SEEN, SEEN)
    assert regions[0] == Region("road_2", ((8, 20.5, 152, 160),), sure=True)
    assert regions[1].boxes == ((0, 0, 8, 8), (152, 202, 8, 8))
    assert finder.phase(SEEN) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("regions = [", "is not TOML"),
        ("", "has no regions"),
        ("[regions]\n", "has no regions"),
        ("regions = 3\n", "has no regions"),
        ("[region]\nball = [1, 2, 3, 4]\n", "has no regions"),
        (
            "[regions]\nball = [150, 200, 20, 11]\n",
            r"'ball' has a box .*\(150, 200\) to \(170, 211\).*160 wide.*210 high",
        ),
        ("[regions]\nball = [0, 200, 20, 11]\n", r"to \(20, 211\)"),
        ("[regions]\nball = [150, 0, 11, 11]\n", r"to \(161, 11\)"),
        ("[regions]\nball = [0, -0.5, 2, 4]\n", r"from \(0, -0.5\)"),
        ("[regions]\nball = [-1, 0, 2, 4]\n", r"'ball' has a box \[-1, 0, 2, 4\]"),
        ("[regions]\nball = [1, 2, 3]\n", r"'ball' has a box \[1, 2, 3\]: a box is four numbers"),
        ("[regions]\nball = [1, 2, 3, '4']\n", "four numbers"),
        ("[regions]\nball = [1, 2, 3, true]\n", "four numbers"),
        ("[regions]\nball = [1, 2, 3, nan]\n", "four numbers"),
        ("[regions]\nball = [[1, 2, 3, 4], 5]\n", r"'ball' has a box 5: a box is four numbers"),
        ("[regions]\nball = []\n", r"'ball' is \[\]: give"),
        ("[regions]\nball = 'left'\n", "'ball' is 'left': give"),
        ("[regions]\nball = [1, 2, 0, 4]\n", "'ball' has a box .* above 0"),
        ("[regions]\nball = [1, 2, 3, -4]\n", "above 0"),
        ("[regions]\nbackground = [1, 2, 3, 4]\n", "'background': this name is kept"),
        ("[regions]\n'the ball' = [1, 2, 3, 4]\n", "'the ball': a name is made of letters, digits and underscores"),
        ("[regions]\n'' = [1, 2, 3, 4]\n", "a name is made of"),
    ],
)
def test_a_mistake_is_named_with_its_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        read_regions(written(tmp_path, text))
    assert "mine.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_none_too_large_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.toml cannot be read"):
        read_regions(tmp_path / "absent.toml")
    with pytest.raises(UsageError, match="cannot be read"):
        read_regions(tmp_path)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"bytes\.toml is not TOML"):
        read_regions(tmp_path / "bytes.toml")
    with pytest.raises(UsageError, match="larger than 1,000,000 bytes"):
        read_regions(written(tmp_path, "#" * 1_000_001))
    with pytest.raises(UsageError, match="is not TOML"):
        read_regions(written(tmp_path, "x = " + "[" * 100_000))
