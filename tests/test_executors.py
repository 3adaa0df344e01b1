"""What all executors have in common. Each of them has a file of its own."""

import re
from pathlib import Path
from typing import ClassVar

import pytest

from ganbench.errors import UsageError
from ganbench.executors import Executor, JobState, Wish, ray
from ganbench.executors.slurm import Slurm
from ganbench.executors.slurm_site import OWN, SBATCH

PAGE = Path(__file__).resolve().parents[1] / "docs" / "clusters.md"


@pytest.mark.parametrize(
    ("executor", "option", "value", "complaint"),
    [
        (ray.Ray, "memory", "4G", "option memory=4G must be a whole number"),
        (ray.Ray, "memory", "0", "option memory=0 must be a whole number of at least 1"),
        (ray.Ray, "pack", "0", "option pack=0"),
        (ray.Ray, "attempts", "0", "option attempts=0"),
        (ray.Ray, "deadline", "soon", "option deadline=soon must be a duration"),
        (ray.Ray, "cpus", "9" * 400, "option cpus=9+ must be a number of at least 0 and below 10"),
        (ray.Ray, "gpus", "-1", "option gpus=-1 must be a number of at least 0 and below 10"),
        (ray.Ray, "memory", "9" * 10, "option memory=9+ must be a whole number of at least 1 and below 10"),
        (Slurm, "pack", "0", "option pack=0"),
        (Slurm, "attempts", "x", "option attempts=x"),
        (Slurm, "deadline", "soon", "option deadline=soon"),
        (Slurm, "poll", "x", "option poll=x"),
        (Slurm, "grace", "x", "option grace=x"),
        (Slurm, "warning", "x", "option warning=x"),
        (Slurm, "setup", "nowhere", "option setup=nowhere: there is no such file"),
        (Slurm, "time", "4h", "option time=4h must be minutes, H:MM:SS or D-HH:MM:SS"),
        (Slurm, "mem", "lots", "option mem=lots must be a number of MiB"),
        (Slurm, "gpus", "two", "option gpus=two must be how many"),
    ],
)
def test_a_request_that_needs_no_cluster_to_be_refused_is_refused_before_one_is_asked(
    executor: type[Executor], option: str, value: str, complaint: str
) -> None:
    """By the layout, which ``--dry-run`` makes as well."""
    with pytest.raises(UsageError, match=complaint):
        executor.layout(Wish(options={option: value}))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("time", "60"), ("time", "4:00:00"), ("time", "1-12"), ("time", "1-12:00:00"), ("time", "UNLIMITED"),
        ("mem", "0"), ("mem", "500"), ("mem", "8G"), ("mem", "8gb"), ("gpus", "2"), ("gpus", "a100:1"),
        ("gpus", "a100:1,v100:1"), ("partition", "gpu,long"),
    ],
)  # fmt: skip
def test_what_slurm_takes_is_left_to_it(option: str, value: str) -> None:
    assert Slurm.layout(Wish(options={option: value})).device == ("cuda" if option == "gpus" else "cpu")


def test_states_have_the_names_of_the_contract() -> None:
    assert {state.value for state in JobState} == {"pending", "running", "ended", "lost", "unknown"}


class Site(Executor):
    """One with settings of its own, as a plugin has it: all else is as on this machine."""

    options: ClassVar = {"queue": "which queue; by default the short one"}


def test_an_executor_takes_the_options_that_it_names_and_no_others() -> None:
    place = Site.layout(Wish(executor="site", device="cpu", options={"queue": "long"}))
    assert place == Site.layout(Wish(executor="site", device="cpu"))
    with pytest.raises(UsageError, match=r"^executor 'site' has no option 'quue'; did you mean 'queue'\?$"):
        Site.layout(Wish(executor="site", device="cpu", options={"quue": "long"}))
    with pytest.raises(UsageError, match=r"^executor 'plain' has no option 'queue'; it has none$"):
        Executor.layout(Wish(executor="plain", device="cpu", options={"queue": "long"}))


def test_the_page_on_clusters_has_every_option_of_our_own() -> None:
    _, slurm, on_ray = re.split(r"^## A (?:Slurm site|Ray cluster)$", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    rows = re.compile(r"^\| (`.*?) \|", re.MULTILINE)
    assert set(re.findall(r"`(\S+?)`", " ".join(rows.findall(slurm)))) == set(OWN)
    assert set(re.findall(r"`(\S+?)`", " ".join(rows.findall(on_ray.partition("## ")[0])))) == set(ray.Ray.options)
    assert set(Slurm.options) == {*OWN, *SBATCH}
