"""What moves, in a game without a table and against one with a table."""

import numpy as np

from inspector.atari.objects import Moving
from inspector.atari.objects.moving import LEAST_PIXELS, MOST_BOXES
from inspector.records import Seen
from tests.atari.objects.looks import LOOKS
from tests.atari.objects.pixels import apart, drawn
from tests.atari.objects.play import Frame, play


def seen(*frames: Frame) -> Seen:
    return Seen(np.stack([frame.screen for frame in frames]), None)


def test_cars_and_chickens_of_freeway_are_found_where_they_are_now() -> None:
    frames, shares = list(play("Freeway", 400)), []
    for now in range(100, 400, 10):
        region = Moving().regions(seen(frames[now]), seen(frames[now - 4]))[0]
        assert not region.sure
        mask = np.zeros((210, 160), bool)
        for left, top, width, height in region.boxes:
            mask[int(top) : int(top + height), int(left) : int(left + width)] = True
            assert 0 <= left < left + width <= 160
            assert 0 <= top < top + height <= 210
        road = frames[now].screen[:, :, 0] == 142  # The asphalt: what is boxed is mostly none of it.
        shares.append(float((mask & ~road).sum() / mask.sum()))
        assert len(region.boxes) >= 5
        assert mask.mean() < 0.1
    assert np.mean(shares) > 0.6


def test_the_ball_of_pong_is_boxed_where_it_came_to_and_not_where_it_was() -> None:
    frames, look, found = list(play("Pong", 700)), LOOKS["Pong"]["ball"], []
    for now in range(10, 700, 3):
        here, there = drawn(frames[now].screen, look), drawn(frames[now - 4].screen, look)
        clear = here and there and 30 < here[0][0] < 130  # At a paddle the two are one blob.
        if clear and apart(here[0], there[0]) > 5:
            boxes = Moving().regions(seen(frames[now]), seen(frames[now - 4]))[0].boxes
            assert all(apart(box, there[0]) > 1 for box in boxes)
            found.append(min((apart(box, here[0]) for box in boxes), default=99.0) <= 1)
    assert len(found) > 50
    assert np.mean(found) > 0.95


def test_the_region_is_the_union_over_two_screens() -> None:
    frames, look = list(play("Pong", 700)), LOOKS["Pong"]["ball"]
    now = next(n for n in range(300, 700) if all(drawn(frames[n - k].screen, look) for k in (0, 1, 4, 5)))
    both = Moving().regions(seen(frames[now - 1], frames[now]), seen(frames[now - 5], frames[now - 4]))[0].boxes
    for frame in (frames[now - 1], frames[now]):
        left, top, width, height = drawn(frame.screen, look)[0]
        assert any(x <= left and y <= top and x + w >= left + width and y + h >= top + height for x, y, w, h in both)


def test_nothing_moves_on_the_same_screen_or_without_one_before() -> None:
    frame = list(play("Freeway", 50))[-1]
    assert Moving().regions(seen(frame), seen(frame))[0].boxes == ()
    assert Moving().regions(seen(frame), None)[0].boxes == ()
    assert Moving().names == (Moving().regions(seen(frame), None)[0].name,)
    assert Moving().phase(seen(frame)) is None


def test_of_many_blobs_the_largest_are_kept_and_specks_are_not() -> None:
    before, after = np.zeros((210, 160, 3), np.uint8), np.zeros((210, 160, 3), np.uint8)
    for number in range(24):
        x, y = 20 * (number % 6), 40 * (number // 6)
        after[y : y + 2 + number, x : x + 2] = 200
    after[205, 100 : 100 + LEAST_PIXELS - 1] = 200
    boxes = Moving().regions(Seen(after[None], None), Seen(before[None], None))[0].boxes
    assert [height for _, _, _, height in boxes] == list(range(25, 25 - MOST_BOXES, -1))
    few = np.zeros_like(after)
    few[205, 100 : 100 + LEAST_PIXELS - 1] = 200
    assert Moving().regions(Seen(few[None], None), Seen(before[None], None))[0].boxes == ()
