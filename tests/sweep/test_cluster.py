"""The same units on a real local Ray: the same results, failures named, a worker that dies tried again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector.errors import UsageError
from inspector.sweep import Store, run_units
from inspector.sweep.cluster import Cluster
from inspector.sweep.run import ATTEMPTS
from inspector.sweep.unit import Unit
from tests.sweep.test_run import breaks, dies, refuses, squares


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One connection for all tests: starting Ray takes seconds."""
    import ray

    source = str(Path(__file__).parents[2])
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, runtime_env={"env_vars": {"PYTHONPATH": source}})
    yield Cluster()
    ray.shutdown()


def test_units_are_done_and_failures_named(cluster: Cluster, tmp_path: Path) -> None:
    units = [*squares(tmp_path / "trace", range(5)), Unit("refused", refuses, {}), Unit("broken", breaks, {})]
    store = Store(tmp_path / "units")
    failures = {failure.name: failure.reason for failure in run_units(units, store, cluster)}
    assert failures == {"refused": "no such target", "broken": "ZeroDivisionError: by nothing"}
    assert [store.load(unit)["square"].item() for unit in units[:5]] == [0, 1, 4, 9, 16]


def test_a_unit_whose_worker_dies_is_tried_again_and_then_named(cluster: Cluster, tmp_path: Path) -> None:
    fragile = Unit("fragile", dies, {"trace": str(tmp_path / "a"), "times": 1})
    deadly = Unit("deadly", dies, {"trace": str(tmp_path / "b"), "times": 99}, {"other": True})
    store = Store(tmp_path / "units")
    (failure,) = run_units([fragile, deadly], store, cluster)
    assert failure.name == "deadly" and f"its worker died {ATTEMPTS} times" in failure.reason
    assert store.load(fragile)["done"].item() == 1
    assert len((tmp_path / "b").read_text().splitlines()) == ATTEMPTS


def test_an_address_without_a_cluster_is_told(cluster: Cluster) -> None:
    import ray

    ray.shutdown()
    with pytest.raises(UsageError, match=r"there is no Ray cluster at 127\.0\.0\.1:1"):
        next(Cluster("127.0.0.1:1")([Unit("refused", refuses, {})]))
