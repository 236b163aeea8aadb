"""A few real decisions of Breakout, straight from the console, for the tests of the pictures."""

from dataclasses import replace

import ale_py
import cv2
import gymnasium
import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.draw.page import Moment, Page, PageFacts

ACTIONS = ("NOOP", "FIRE", "RIGHT", "LEFT")


@pytest.fixture(scope="session")
def screens() -> NDArray[np.uint8]:
    """Forty screens of Breakout, four frames apart: FIRE now and then, else to the left and to the right."""
    gymnasium.register_envs(ale_py)
    env = gymnasium.make("ALE/Breakout-v5", frameskip=4, repeat_action_probability=0.0)
    shown = [env.reset(seed=0)[0]]
    shown += [env.step(1 if index % 8 == 0 else 2 + index // 6 % 2)[0] for index in range(39)]
    env.close()
    return np.stack(shown)


@pytest.fixture(scope="session")
def moments(screens: NDArray[np.uint8]) -> list[Moment]:
    """Decisions on these screens; the relevance is what moved since the frame before, so that it lies on the ball."""
    greys = np.stack([cv2.cvtColor(screen, cv2.COLOR_RGB2GRAY) for screen in screens])
    small = [cv2.resize(grey, (84, 84), interpolation=cv2.INTER_AREA) for grey in greys]
    frames = np.stack(small).astype(np.float32) / np.float32(255)
    return [_moment(screens[now], frames, now) for now in range(4, len(screens))]


def _moment(screen: NDArray[np.uint8], frames: NDArray[np.float32], now: int) -> Moment:
    relevance = frames[now - 3 : now + 1] - frames[now - 4 : now]
    parts = np.abs(relevance).sum(axis=(1, 2))
    scores = np.array([0.5, -0.25, 1.5, 0.1 * (now % 7)], np.float32)
    return Moment(
        screen=screen,
        network_input=frames[now - 3 : now + 1],
        scores=scores,
        action=2,
        tracked=float(scores[3]),
        target_name="RIGHT",
        target_action=2,
        relevance=relevance,
        in_picture=0.1 * (now % 17) - 0.2,
        frame_shares=parts / parts.sum() if parts.any() else None,
        reward=float(now == 20) - float(now == 26),
        return_so_far=float(now >= 20),
        lives=5 if now < 30 else 4,
        life_lost=now == 30,
        game_begins=now == 4,
    )


@pytest.fixture
def facts() -> PageFacts:
    """The facts of a policy that plays Breakout."""
    return PageFacts("Breakout", ("PPO", "nips", "19.2 M frames", "epsilon_plus"), ACTIONS, "logits")


@pytest.fixture
def page(facts: PageFacts, moments: list[Moment]) -> Page:
    """A page after all decisions but the last."""
    page = Page(facts)
    for index, moment in enumerate(moments[:-1]):
        page.begin(moment)
        page.frame(moment.screen, index / 15)
    return page


@pytest.fixture
def last(moments: list[Moment]) -> Moment:
    """The last decision."""
    return replace(moments[-1])
