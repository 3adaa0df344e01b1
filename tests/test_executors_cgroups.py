"""What control groups leave of a machine, read from files as the kernel writes them."""

from pathlib import Path

import pytest

from ganbench.executors import cgroups

NO_MEMORY_LIMIT = "9223372036854771712"


@pytest.mark.parametrize(
    ("own", "files", "processors", "memory"),
    [
        # A container of version 2 sees its own group as the root.
        ("0::/", {"cpu.max": "150000 100000", "memory.max": "1073741824"}, 2, 2**30),
        ("0::/", {"cpu.max": "max 100000", "memory.max": "max"}, None, None),
        ("0::/", {}, None, None),
        # systemd: the tightest of all groups above counts.
        (
            "0::/user.slice/app.scope",
            {
                "user.slice/cpu.max": "50000 100000",
                "user.slice/app.scope/cpu.max": "400000 100000",
                "user.slice/memory.max": "4096",
                "user.slice/app.scope/memory.max": "max",
            },
            1,
            4096,
        ),
        # What lies beside the mounted tree is none of its groups.
        ("0::/../elsewhere", {"cpu.max": "300000 100000", "../elsewhere/cpu.max": "100000 100000"}, 3, None),
        # Version 1, in a container that knows its group's name outside, and without one.
        (
            "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n0::/",
            {
                "cpu/cpu.cfs_quota_us": "400000",
                "cpu/cpu.cfs_period_us": "100000",
                "memory/memory.limit_in_bytes": "8192",
            },
            4,
            8192,
        ),
        (
            "4:memory:/job\n1:cpu:/job",
            {
                "cpu/cpu.cfs_quota_us": "-1",
                "cpu/cpu.cfs_period_us": "100000",
                "cpu/job/cpu.cfs_quota_us": "100000",
                "cpu/job/cpu.cfs_period_us": "100000",
                "memory/memory.limit_in_bytes": NO_MEMORY_LIMIT,
                "memory/job/memory.limit_in_bytes": "16384",
            },
            1,
            16384,
        ),
        # Mounted with another controller, and without a link.
        (
            "3:cpu,cpuacct:/job",
            {
                "cpu,cpuacct/cpu.cfs_quota_us": "-1",
                "cpu,cpuacct/cpu.cfs_period_us": "100000",
                "cpu,cpuacct/job/cpu.cfs_quota_us": "200000",
                "cpu,cpuacct/job/cpu.cfs_period_us": "100000",
            },
            2,
            None,
        ),
        # Another controller whose name begins alike has groups of its own.
        (
            "2:cpuset:/a\n1:cpu:/b",
            {
                "cpu/a/cpu.cfs_quota_us": "100000",
                "cpu/a/cpu.cfs_period_us": "100000",
                "cpu/b/cpu.cfs_quota_us": "300000",
                "cpu/b/cpu.cfs_period_us": "100000",
            },
            3,
            None,
        ),
        # As an imitation of the kernel may write it.
        ("4:memory:/job\n\nunknown", {"memory/memory.limit_in_bytes": "-1"}, None, None),
        ("4:memory:/a:b", {"memory/a:b/memory.limit_in_bytes": "4096"}, None, 4096),
        (None, {}, None, None),
    ],
)
def test_the_tightest_limit_counts(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    own: str | None,
    files: dict[str, str],
    processors: int | None,
    memory: int | None,
) -> None:
    monkeypatch.setattr(cgroups, "MOUNTED", tmp_path / "cgroup")
    monkeypatch.setattr(cgroups, "OWN", tmp_path / "own")
    if own is not None:
        cgroups.OWN.write_text(f"{own}\n")
    for name, text in files.items():
        file = cgroups.MOUNTED / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")
    assert cgroups.processors() == processors
    assert cgroups.memory() == memory
