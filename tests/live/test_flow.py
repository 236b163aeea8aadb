"""What may be on its way to a terminal: a line of any speed and delay, simulated in time of its own."""

from collections import deque

import pytest

from inspector.live.flow import QUESTION, Flow, question

SECOND = 1.0


def place_of(number: int) -> tuple[int, int]:
    """Where the cursor is put to ask for a frame."""
    found = QUESTION.fullmatch(question(number))
    assert found
    return int(found[1]), int(found[2])


class Line:
    """A line that carries so many bytes a second, with a buffer that takes everything at once."""

    def __init__(self, speed: float, delay: float, *, answers: bool = True) -> None:
        self.now, self.speed, self.delay, self.answers = 0.0, speed, delay, answers
        self.flow = Flow(lambda: self.now)
        self._free_at = 0.0
        self._coming: deque[tuple[float, float, int]] = deque()  # when its answer comes, when it was sent, its number
        self.ages: list[float] = []
        self.carried = self.wrong = 0

    def send(self, size: int) -> None:
        number = self.flow.sent(size)
        self._free_at = max(self.now, self._free_at) + size / self.speed
        self._coming.append((self._free_at + self.delay, self.now, number))
        self.carried += size

    def wait(self, seconds: float) -> None:
        self.now += seconds
        while self._coming and self._coming[0][0] <= self.now:
            _, sent, number = self._coming.popleft()
            self.ages.append(self.now - sent)
            if self.answers:
                before = [one.sent_at for one in self.flow._sent]
                self.flow.answered(*place_of(number))
                gone = before[: len(before) - len(self.flow._sent)]
                self.wrong += sum(one > sent for one in gone)

    def stand_still(self, seconds: float) -> None:
        """Let it carry nothing for a while."""
        self._free_at = max(self.now, self._free_at) + seconds
        self._coming = deque((arrives + seconds, sent, number) for arrives, sent, number in self._coming)

    def lose_answers(self) -> None:
        """Of all that is on its way no answer will come."""
        self._coming.clear()


def play(line: Line, seconds: float, wanted: int, rate: float = 15.0) -> None:
    """Frames of so many bytes, as many a second, as far as the line allows."""
    end, due, left = line.now + seconds, line.now, 0
    while line.now < end:
        if line.now >= due:
            due, left = due + 1 / rate, wanted
        allowed = line.flow.allowance()
        if left and allowed >= 500:
            line.send(min(left, allowed))
            left = 0
        line.wait(0.005)


@pytest.mark.parametrize("delay", [0.002, 0.05, 0.15])
@pytest.mark.parametrize("speed", [20e3, 50e3, 200e3])
def test_on_a_slow_line_nothing_shown_is_older_than_half_a_second(speed: float, delay: float) -> None:
    line = Line(speed, delay)
    play(line, 30 * SECOND, wanted=100_000)
    assert max(line.ages[5:]) < 0.5
    assert line.carried > 0.45 * speed * line.now  # and the line is not left idle


def test_a_quick_line_takes_all_that_is_drawn() -> None:
    line = Line(20e6, 0.001)
    play(line, SECOND, wanted=30_000)
    before = line.carried
    play(line, 5 * SECOND, wanted=30_000)
    assert line.carried - before == pytest.approx(5 * 15 * 30_000, rel=0.03)


def test_a_line_that_becomes_slow_is_noticed_within_seconds() -> None:
    line = Line(5e6, 0.01)
    play(line, 3 * SECOND, wanted=50_000)
    line.speed = 50e3
    play(line, 8 * SECOND, wanted=50_000)
    line.ages.clear()
    play(line, 10 * SECOND, wanted=50_000)
    assert max(line.ages) < 0.5


def test_who_answers_nothing_is_asked_for_a_second_and_then_taken_at_the_writing() -> None:
    line = Line(1e9, 0.0, answers=False)
    flow = line.flow
    assert flow.allowance() == 2_000
    line.send(2_000)
    assert flow.allowance() <= 0 and flow.unanswered == 1
    line.wait(0.9)
    flow.written()
    assert flow.allowance() <= 0
    line.wait(0.2)
    assert flow.allowance() > 0 and flow.unanswered == 0
    line.send(10_000)
    assert flow.on_its_way == 10_000
    flow.written()
    assert flow.on_its_way == 0 and flow.allowance() > 500_000


def test_a_late_answer_brings_the_asking_back_and_is_not_another_frames() -> None:
    line = Line(1e9, 0.0, answers=False)
    flow = line.flow
    late = flow.sent(100)
    line.wait(3.0)
    assert flow.allowance() > 0 and flow.unanswered == 0
    flow.sent(100)
    flow.answered(*place_of(late))
    assert flow.unanswered == 1 and flow.on_its_way == 100
    flow.reset()
    assert flow.unanswered == 0 and flow.on_its_way == 0


def test_an_answer_stands_for_those_before_it_too() -> None:
    flow = Flow(lambda: 0.0)
    numbers = [flow.sent(100) for _ in range(5)]
    flow.answered(*place_of(numbers[3]))
    assert flow.on_its_way == 100
    flow.answered(*place_of(numbers[1]))  # again, or late
    assert flow.on_its_way == 100


def test_frames_on_their_way_are_far_fewer_than_there_are_places_and_none_is_in_the_first_row() -> None:
    flow, places = Flow(lambda: 0.0), list[tuple[int, int]]()
    while flow.allowance() > 0:
        places.append(place_of(flow.sent(1)))
    assert len(places) == len(set(places)) == 100 and min(places) == (2, 1)
    assert len({place_of(number) for number in range(1000)}) == 256


@pytest.mark.parametrize(("seconds", "delay", "size"), [(6.0, 0.2, 60), (10.0, 0.2, 150), (20.0, 0.01, 150)])
def test_after_a_line_has_stood_still_no_answer_is_another_frames(seconds: float, delay: float, size: int) -> None:
    line = Line(200e3, delay)
    play(line, 5 * SECOND, wanted=size, rate=30)
    line.stand_still(seconds)
    play(line, 10 * SECOND + seconds, wanted=size, rate=30)
    assert line.wrong == 0


@pytest.mark.parametrize("seconds", [2.0, 8.0, 30.0])
def test_a_line_that_stands_still_for_a_while_is_not_filled_meanwhile_and_then_as_before(seconds: float) -> None:
    line = Line(200e3, 0.05)
    play(line, 5 * SECOND, wanted=40_000)
    carried = line.carried
    line.stand_still(seconds)
    play(line, seconds, wanted=40_000)
    assert line.carried - carried < 40_000 + seconds / 5 * 2_000
    play(line, 3 * SECOND, wanted=40_000)
    line.ages.clear()
    carried = line.carried
    play(line, 10 * SECOND, wanted=40_000)
    assert max(line.ages) < 0.5 and line.carried - carried > 0.45 * line.speed * 10


def test_answers_that_were_lost_keep_it_for_some_seconds_only() -> None:
    line = Line(200e3, 0.05)
    play(line, 3 * SECOND, wanted=40_000)
    line.lose_answers()
    play(line, 8 * SECOND, wanted=40_000)
    carried = line.carried
    play(line, 10 * SECOND, wanted=40_000)
    assert line.carried - carried > 0.45 * line.speed * 10
