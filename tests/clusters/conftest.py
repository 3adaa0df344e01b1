"""Clusters that live as long as the tests do. Where they cannot be had, tests are skipped, with a reason.

``GANBENCH_REQUIRE_SLURM=1`` and ``GANBENCH_REQUIRE_RAY=1`` make a skip a failure: CI sets them.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from .grid import plugin_environment
from .ray_cluster import RayCluster
from .ray_cluster import missing as ray_missing
from .slurm_site import SlurmSite
from .slurm_site import missing as slurm_missing


def need(reason: str, variable: str) -> None:
    """Skip where something is missing, or fail where it was promised."""
    if reason and os.environ.get(variable):
        pytest.fail(f"{variable} is set: {reason}")
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def slurm_site() -> Iterator[SlurmSite]:
    need(slurm_missing(), "GANBENCH_REQUIRE_SLURM")
    # Slurm refuses folders that others may write to, and sockets have short names: not pytest's own folder.
    with tempfile.TemporaryDirectory(prefix="ganbench-slurm-", ignore_cleanup_errors=True) as folder:
        site = SlurmSite(Path(folder))
        try:
            site.start()
            yield site
        finally:
            site.stop()


@pytest.fixture
def slurm(slurm_site: SlurmSite, monkeypatch: pytest.MonkeyPatch) -> SlurmSite:
    """The site, for programs that this process starts."""
    for name, value in slurm_site.environment.items():
        monkeypatch.setenv(name, value)
    return slurm_site


@contextmanager
def running_ray(environment: Mapping[str, str]) -> Iterator[RayCluster]:
    need(ray_missing(), "GANBENCH_REQUIRE_RAY")
    with tempfile.TemporaryDirectory(prefix="gr-", ignore_cleanup_errors=True) as folder:
        cluster = RayCluster(Path(folder), environment)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[RayCluster]:
    with running_ray({}) as cluster:
        yield cluster


@pytest.fixture
def ray_cluster_with_plugin(tmp_path: Path) -> Iterator[RayCluster]:
    """A cluster whose nodes have the grid's plugin, as its host has."""
    with running_ray(plugin_environment(tmp_path)) as cluster:
        yield cluster


@pytest.fixture
def ray_address(ray_cluster: RayCluster, monkeypatch: pytest.MonkeyPatch) -> str:
    """The cluster's address, for programs that this process starts."""
    for name, value in ray_cluster.environment.items():
        monkeypatch.setenv(name, value)
    return ray_cluster.address
