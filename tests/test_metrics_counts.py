"""What each metric says of sample counts: just enough, one too few to trust, and too few to compute anything."""

import pytest

from ganbench.api import Metric
from ganbench.metrics.class_coverage import ClassCoverage
from ganbench.metrics.density_coverage import DensityCoverage
from ganbench.metrics.fid import FID
from ganbench.metrics.gan_test import GANTest
from ganbench.metrics.inception_score import InceptionScore
from ganbench.metrics.intra_fid import IntraFID
from ganbench.metrics.kid import KID
from ganbench.metrics.memorisation import Memorisation
from ganbench.metrics.mixture import HighQuality, Modes, ReverseKL
from ganbench.metrics.pacgan import PacGAN
from ganbench.metrics.precision_recall import PrecisionRecall
from ganbench.metrics.stacked_modes import StackedModes

MANY = 1_000_000
FEW_OF_A_CLASS = (
    "about 64 samples in each of 10 classes are too few for 64 features: the covariances are singular, "
    "the intra-FID inflated"
)
SINGULAR = "64 samples are too few for 64 features: the covariance is singular, the FID inflated"


def said(metric: Metric, fakes: int, reference: int, classes: int = 10) -> str | None:
    return metric.check(fakes=fakes, reference=reference, dimension=64, classes=classes)


@pytest.mark.parametrize(
    ("metric", "classes", "enough", "told"),
    [
        (FID(), 10, 65, SINGULAR),
        (IntraFID(), 10, 650, FEW_OF_A_CLASS),
        (KID(), 10, 1001, "subsets of 1000 are the whole of the smaller side: its spread says nothing"),
        (KID(subset_size=50), 10, 51, "subsets of 50 are the whole of the smaller side: its spread says nothing"),
        (PrecisionRecall(), 10, 300, "299 samples are few for neighbourhoods of 3"),
        (PrecisionRecall(nearest=1), 10, 100, "99 samples are few for neighbourhoods of 1"),
        (DensityCoverage(), 10, 500, "499 samples are few for neighbourhoods of 5"),
        (DensityCoverage(nearest=1), 10, 100, "99 samples are few for neighbourhoods of 1"),
        (ClassCoverage(), 10, 500, "499 samples are few for 10 classes"),
        (ClassCoverage(), 0, 100, "99 samples are few for 2 classes"),
    ],
)
def test_the_smaller_side_decides(metric: Metric, classes: int, enough: int, told: str) -> None:
    for fakes, reference in ((enough, MANY), (MANY, enough), (enough, enough)):
        assert said(metric, fakes, reference, classes) is None
    for fakes, reference in ((enough - 1, MANY), (MANY, enough - 1)):
        assert said(metric, fakes, reference, classes) == told


@pytest.mark.parametrize(
    ("metric", "classes", "enough", "told"),
    [
        (InceptionScore(), 10, 1000, "99 samples per split are few; the score is too low"),
        (InceptionScore(splits=1), 0, 20, "19 samples per split are few; the score is too low"),
        (GANTest(), 10, 500, "499 samples are few: the share has a standard error of up to 2.2 %"),
        (Modes(), 8, 400, "399 samples are few for 8 modes"),
        (HighQuality(), 25, 1250, "1249 samples are few for 25 modes"),
        (ReverseKL(), 8, 400, "399 samples are few for 8 modes"),
        (PacGAN(), 8, 2500, "the published protocol looks at 2500 samples, here are 2499"),
        (PacGAN(samples=100), 8, 100, "the published protocol looks at 100 samples, here are 99"),
        (StackedModes(), 1000, 10_000, "9999 samples are few for 1000 modes: perfect ones would miss some"),
        (StackedModes(), 0, 10, "9 samples are few for 0 modes: perfect ones would miss some"),
    ],
)
def test_where_the_fakes_alone_are_counted_the_reference_may_be_small(
    metric: Metric, classes: int, enough: int, told: str
) -> None:
    assert said(metric, enough, 1, classes) is None
    assert said(metric, enough - 1, MANY, classes) == told


def test_memorisation_needs_held_out_samples_for_its_level() -> None:
    assert said(Memorisation(), 1, 500) is None
    assert said(Memorisation(), MANY, 499) == "499 held-out samples are few to find the nearest 1 %"
    assert said(Memorisation(level=0.5), 1, 10) is None
    assert said(Memorisation(level=0.5), 1, 9) == "9 held-out samples are few to find the nearest 50 %"


@pytest.mark.parametrize(
    ("metric", "least", "both", "message"),
    [
        (FID(), 2, True, "FID needs at least 2 samples on each side"),
        (IntraFID(), 20, True, "19 samples are fewer than 2 for each of 10 classes; raise --num-samples"),
        (KID(), 2, True, "KID needs at least 2 samples on each side"),
        (KID(subset_size=50), 50, True, "subset_size 50 exceeds the 49 samples; lower it or raise --num-samples"),
        (InceptionScore(), 10, False, "9 samples cannot be cut into 10 splits; raise --num-samples"),
        (PrecisionRecall(), 4, True, "3 samples have no 3-th neighbour; raise --num-samples"),
        (DensityCoverage(), 6, True, "5 samples have no 5-th neighbour; raise --num-samples"),
        (Memorisation(), 1, True, "at least one sample on each side is needed"),
        (ClassCoverage(), 1, True, "at least one sample is needed"),
        (GANTest(), 1, False, "at least one sample is needed"),
        (Modes(), 1, False, "at least one sample is needed"),
        (PacGAN(), 1, False, "at least one sample is needed"),
        (StackedModes(), 1, False, "at least one sample is needed"),
    ],
)
def test_what_cannot_be_computed_is_refused(metric: Metric, least: int, both: bool, message: str) -> None:
    assert said(metric, least, least) is not None, "few, but computed"
    for fakes, reference in [(least - 1, MANY), *([(MANY, least - 1)] if both else [])]:
        with pytest.raises(ValueError, match=f"^{message}$"):
            said(metric, fakes, reference)
