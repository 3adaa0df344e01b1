"""What a dataset must do: the samples it says it has, always the same, in two splits that do not overlap.

``expected`` may hold ``shape`` (of one sample), ``counts`` ({split: number}) and ``root`` (the folder of data files).
"""

from pathlib import Path

import torch

from ganbench import components
from ganbench.api import Extractor, Samples
from ganbench.errors import GanbenchError, UsageError
from ganbench.evaluation.isolation import own_global_stream
from ganbench.evaluation.needs import check_shape, require
from ganbench.resolving.form import default_metrics, wrong_labels, wrong_samples
from ganbench.testing import dataset_copies, dataset_elsewhere, dataset_modes
from ganbench.testing.dataset_loading import SPLITS, NoTest, build, load, splits
from ganbench.testing.files import check_named, readings
from ganbench.testing.kit import Flaw, NotApplicable, Subject, subject_of
from ganbench.testing.process_state import streams

CPU = torch.device("cpu")
DARK = 32
"""Levels of 0..255 of which nothing can be seen: those of 5 bits and fewer."""
OVERLAP = 0.01
"""The share of test samples that may also be in train: collections of photographs hold a few pictures twice."""


def samples(subject: Subject) -> str:
    """Each split is uint8 images (N, C, H, W) or finite float32 vectors (N, D), of one shape."""
    shapes, counts = set(), {}
    for split in splits(subject):
        found = load(subject, split)
        _require_form(split, found)
        shapes.add(found.shape)
        counts[split] = len(found)
    if len(shapes) > 1:
        raise Flaw(f"the splits have different shapes {sorted(shapes)}; samples could not be compared with a reference")
    shape = shapes.pop()
    for what, found_value in (("shape", shape), ("counts", counts)):
        if what in subject.expected and subject.expected[what] != found_value:
            raise Flaw(f"its {what} is {found_value}, expected {subject.expected[what]}; it is another dataset")
    to_test = f"{counts['test']:,} to test" if "test" in counts else "no split to test"
    return f"{counts['train']:,} to train and {to_test}, {'x'.join(map(str, shape))}"


def labels(subject: Subject) -> None:
    """Labels, where there are any, are int64 (N,) and indices of the classes, the same in both splits."""
    classes: dict[str, tuple[str, ...] | None] = {}
    known = 0
    for split in splits(subject):
        found = load(subject, split)
        classes[split] = None if found.labels is None else tuple(found.classes)
        if found.labels is None:
            if found.classes:
                raise Flaw(f"the split '{split}' names {len(found.classes)} classes but has no labels")
            continue
        if wrong := wrong_labels(found, split):
            raise Flaw(f"{wrong}; every run on it would be refused with this line")
        # Classes without names are as many as the training samples' labels say.
        known = len(found.classes) or known or found.class_count
        low, high = int(found.labels.min()), int(found.labels.max())
        if low < 0 or high >= known:
            raise Flaw(f"the labels of '{split}' go from {low} to {high}, but there are {known} classes")
    train, test = classes["train"], classes.get("test", classes["train"])
    if (train is None) != (test is None):
        with_labels, without = SPLITS if test is None else reversed(SPLITS)
        raise Flaw(
            f"the split '{with_labels}' has labels but '{without}' has none; what needs classes could be "
            "trained but not scored, or scored but not trained"
        )
    if train is not None and test is not None and train != test:
        raise Flaw(
            f"the classes of 'train' are {_listed(train)}, but those of 'test' are {_listed(test)}; a label "
            "would mean another class there, and a correct generator would be scored as wrong"
        )


def repeatable(subject: Subject) -> None:
    """Loaded again it is the same, and loading leaves random streams as they were."""
    for split in splits(subject):
        with own_global_stream(1, CPU):
            first = load(subject, split).fingerprint
        with own_global_stream(2, CPU):
            before = streams()
            second = load(subject, split).fingerprint
            if whose := [name for name, state in streams().items() if state != before[name]]:
                raise Flaw(
                    f"loading '{split}' uses or seeds a global random stream (that of {' and '.join(whose)}), "
                    "on which the initial weights depend; use a generator of its own with a fixed seed"
                )
        if first != second:
            raise Flaw(
                f"the split '{split}' differs when it is loaded again (order, augmentation, or a random draw "
                "without a fixed seed?); trials would refuse it as changed, and no result would be found again"
            )


def another_process(subject: Subject) -> None:
    """Loaded in another process it is the same."""
    here = {split: load(subject, split).fingerprint for split in splits(subject)}
    there = dataset_elsewhere.fingerprints(subject)
    for split, fingerprint in here.items():
        if there.get(split) != fingerprint:
            raise Flaw(
                f"the split '{split}' differs in another process (an order by hash() or of a set, the time, a "
                "folder's order?); trials run in processes of their own and would refuse it as changed"
            )


def files(subject: Subject) -> str | None:
    """The files that it names exist, and are those that it reads."""
    notes = []
    for split in SPLITS:
        try:
            with readings() as read:
                named = load(subject, split).files
        except NoTest:
            if build(subject).reference_split != "train":
                raise
            continue
        missing = [file for file in named if not Path(file).exists()]
        if missing:
            raise Flaw(
                f"the split '{split}' names {missing[0]} among its files, but there is no such file; give "
                "absolute paths, or planning would fail with FileNotFoundError"
            )
        old = "the results of the old samples"
        notes.append(check_named(read, named, what=f"loading '{split}' reads", old=old))
    return "; ".join(filter(None, notes)) or None


def disjoint(subject: Subject) -> str:
    """Train and test share no samples, nor nearly the same ones."""
    both = [load(subject, split).data for split in SPLITS]
    train, test = ({row.tobytes() for row in data.flatten(1).numpy()} for data in both)
    shared = len(train & test) / len(test)
    if shared > OVERLAP:
        raise Flaw(
            f"{100 * shared:.1f} % of the distinct test samples are in train too; scores against 'test' would "
            "reward memorising, and the floor of a table would be too low"
        )
    dataset_copies.check(*both)
    return f"{len(train & test)} of {len(test):,} distinct test samples are in train"


def refusals(subject: Subject) -> None:
    """An unknown split is refused in one line."""
    dataset, root = build(subject), Path(subject.expected.get("root", "data"))
    try:
        dataset.load("no-such-split", root=root)
    except (GanbenchError, ValueError, KeyError):
        return
    raise Flaw("load('no-such-split') returns samples; a misspelt --reference would be scored against something else")


def provenance(subject: Subject) -> None:
    """Source and licence are given."""
    dataset = build(subject)
    missing = [what for what in ("source", "licence") if not getattr(dataset, what)]
    if missing:
        raise Flaw(
            f"it gives no {' and no '.join(missing)}; whoever publishes samples must know whose data they are and "
            f"under which terms (`ganbench show {subject.name}`)"
        )


def locations(subject: Subject) -> None:
    """The parameters that say where its samples lie are declared as such, and are text."""
    try:
        declared = components.locations(subject.name, subject.cls)
    except UsageError as error:
        raise Flaw(f"{error}; every run on it would be refused with this line") from error
    root = Path(subject.expected.get("root", "data")).resolve()
    files = [Path(file).resolve() for file in load(subject, "train").files]
    for name, value in subject.parameters.items():
        if name in declared or not (value and isinstance(value, str)):
            continue
        place = Path(value)
        if not place.is_absolute() and any(file.is_relative_to((root / place).resolve()) for file in files):
            continue  # a name below the folder of data files, which is where this process works
        if any(file.is_relative_to(place.resolve()) for file in files):
            raise Flaw(
                f"{name} is where its files lie, but locations does not name it; the same samples in another folder "
                f"would be another dataset, whose trials are trained again; declare locations = ('{name}',)"
            )
    if not declared:
        raise NotApplicable("no parameter says where its samples lie")


def defaults(subject: Subject) -> None:
    """Its default extractor and metrics exist and fit its samples."""
    dataset, found = build(subject), load(subject, "train")
    extractor: Extractor | None = None
    try:
        if dataset.extractor:
            extractor = subject_of(f"extractor/{dataset.extractor}").build()
            check_shape(extractor, found.shape)
        metrics = {name: subject_of(f"metric/{name}").build() for name in default_metrics(dataset)}
    except UsageError as error:
        raise Flaw(f"{error}; a run that leaves metrics and extractor to the dataset would be refused") from error
    if not metrics:
        raise Flaw("it names no metrics; a run that leaves them to the dataset would score nothing")
    if dataset.reference_split not in SPLITS:
        raise Flaw(f"reference_split is '{dataset.reference_split}', not train or test; every run would be refused")
    reference, mixture = load(subject, dataset.reference_split), dataset.mixture()
    for name, metric in metrics.items():
        try:
            require(name, metric, reference=reference, train=found, mixture=mixture, extractor=extractor, where="it")
        except UsageError as error:
            raise Flaw(f"its default {error}") from error
        if "fake_labels" in metric.needs:
            raise Flaw(f"its default metric '{name}' needs fake_labels, which only conditional networks have")


def mixture(subject: Subject) -> None:
    """If it names its modes, its samples lie around them."""
    found = build(subject).mixture()
    if found is None:
        raise NotApplicable("it names no modes")
    data = load(subject, "train").data
    if found.means.dim() != 2 or found.means.shape[1] != data.shape[1]:
        raise Flaw(f"its means have shape {tuple(found.means.shape)}, not (modes, {data.shape[1]})")
    if not found.sigma > 0:
        raise Flaw(f"its sigma is {found.sigma:g}, not above 0; no sample would be near a mode")
    dataset_modes.check(data, found)


# What is kept in memory from then on is read but once: files are watched first.
CHECKS = (
    files,
    samples,
    labels,
    repeatable,
    another_process,
    disjoint,
    refusals,
    provenance,
    locations,
    defaults,
    mixture,
)


def _require_form(split: str, found: Samples) -> None:
    """Raise a flaw unless a split has the type, shape and values of images or of vectors."""
    if wrong := wrong_samples(found, split):
        raise Flaw(f"{wrong}; every run on it would be refused with this line")
    data = found.data
    if found.kind == "image" and data.shape[1] > 4 >= data.shape[3]:
        raise Flaw(
            f"the split '{split}' has shape {tuple(data.shape)}: are its {data.shape[3]} channels last? They must come "
            "second, (N, C, H, W); use data.permute(0, 3, 1, 2)"
        )
    if found.kind == "image" and (brightest := int(data.max())) < DARK:
        whence = "images in 0..1 stored as bytes?" if brightest <= 1 else "levels of few bits, not scaled to 0..255?"
        raise Flaw(
            f"no pixel of the split '{split}' is above {brightest} ({whence}); every picture would be black, or nearly"
        )
    if found.kind == "vector" and not bool(torch.isfinite(data).all()):
        raise Flaw(f"the split '{split}' contains NaN or infinity; training would diverge at once")


def _listed(classes: tuple[str, ...]) -> str:
    return (", ".join(classes[:5]) or "without names") + (f" ... ({len(classes)})" if len(classes) > 5 else "")
