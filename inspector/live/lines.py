"""What is watched without a screen: a line a second, for pipes and logs."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from inspector.draw.bars import probabilities
from inspector.live.loop import Stage
from inspector.live.panels import number
from inspector.live.scene import Scene

_EVERY_SECONDS, _LISTEN_SECONDS = 1.0, 0.1


def watch(
    stage: Stage,
    write: Callable[[dict[str, Any]], None],
    pace: float = 1.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    stopped: Sequence[object] = (),
) -> None:
    """Let a stage go on to its end, and say every second where it is, and at the end.

    Args:
        stage: What is watched.
        write: Takes the facts of a moment, see `facts_of`.
        pace: Times the game's own speed; infinite is as fast as it goes.
        clock: Seconds of a clock that never goes back.
        sleep: Waits for so many seconds.
        stopped: Ends it as soon as something is in it.
    """
    begun = due = clock()
    write(facts_of(stage.scene, 0.0))
    told = due
    while not stopped and stage.advance():
        now = clock()
        if now - told >= _EVERY_SECONDS:
            write(facts_of(stage.scene, now - begun))
            told = now
        due = max(due + 1 / (stage.scene.decision_rate * pace), now - _EVERY_SECONDS)
        while not stopped and (left := due - clock()) > 0:
            sleep(min(left, _LISTEN_SECONDS))
    write(facts_of(stage.scene, clock() - begun))


def facts_of(scene: Scene, seconds: float) -> dict[str, Any]:
    """A moment as plain data: what a line says, and what `--json` prints.

    Args:
        scene: The moment.
        seconds: Since watching began.
    """
    scores, taken = scene.decision.scores, scene.decision.action
    amounts = probabilities(scores) if scene.output == "logits" else scores
    shares = None
    if scene.region_shares is not None:
        shares = {
            name: round(share, 4) for name, share in zip(scene.region_names, scene.region_shares.tolist(), strict=True)
        }
    return {
        "seconds": round(seconds, 2),
        "agent": scene.agent,
        "action": scene.action_names[taken],
        "probability" if scene.output == "logits" else "q_value": _plain(float(amounts[taken])),
        "explained": scene.target_name,
        "target_score": _plain(scene.tracked),
        "value": None if scene.decision.value is None else _plain(scene.decision.value),
        "return": scene.return_so_far,
        "lives": scene.lives,
        "region_shares": shares,
    }


def line_of(facts: dict[str, Any]) -> str:
    """A moment in a line for a person."""
    minutes, seconds = divmod(int(facts["seconds"]), 60)
    probability = facts.get("probability")
    chosen = "–" if probability is None else f"{probability:.0%}"
    chosen = chosen if "probability" in facts else f"Q {number(facts['q_value'])}"
    parts = [f"{minutes}:{seconds:02d}", f"return {number(facts['return'])}"]
    parts += [f"lives {facts['lives']}"] if facts["lives"] is not None else []
    parts.append(f"{facts['action']} {chosen}")
    shares = facts["region_shares"] or {}
    parts.append(
        ", ".join(f"{region.replace('_', ' ')} {share:.0%}" for region, share in shares.items()) or "no relevance"
    )
    return "  ".join(parts)


def _plain(value: float) -> float | None:
    """A number that JSON has."""
    return value if math.isfinite(value) else None
