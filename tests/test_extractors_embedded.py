"""The extractors that ship with the package: identity, golden features, torch-fidelity's contract."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ganbench.datasets.digits import Digits as DigitsData
from ganbench.datasets.idx import MNIST
from ganbench.errors import DataError, UsageError
from ganbench.extractors import embedded, register_with_torch_fidelity
from ganbench.extractors.embedded import WEIGHTS, Digits, Embedded, Mnist
from ganbench.files import file_sha256
from ganbench.metrics.fid import FID
from ganbench.metrics.inception_score import InceptionScore
from ganbench.metrics.kid import KID
from ganbench.metrics.precision_recall import PrecisionRecall
from ganbench.tables.sheet import ARROWS

EMBEDDED = [Digits, Mnist]
TEST = DigitsData().load("test", root=Path())


def pattern(size: int) -> torch.Tensor:
    """Three images that any machine draws alike."""
    levels = torch.arange(3 * size * size).view(3, 1, size, size)
    return (levels * levels // 7 % 256).to(torch.uint8)


@pytest.mark.parametrize("extractor", EMBEDDED)
def test_identity_is_the_file_and_is_on_its_card(extractor: type[Embedded]) -> None:
    (path,) = extractor().files()
    assert extractor().sha256() == file_sha256(Path(path))
    assert extractor().sha256() in Path(path).with_suffix(".md").read_text("utf-8")
    assert sum(tensor.numel() for tensor in load_file(path).values()) == 23_946


@pytest.mark.parametrize("extractor", EMBEDDED)
def test_the_scores_on_a_card_say_which_way_is_better(extractor: type[Embedded]) -> None:
    values = [value for metric in (FID, InceptionScore, KID, PrecisionRecall) for value in metric.values.values()]
    known = {f"{value.label} {ARROWS[value.direction]}" for value in values if value.direction}
    card = (WEIGHTS / f"{extractor.registered_name.removeprefix('ganbench-')}.md").read_text("utf-8")
    (headings,) = [line for line in card.splitlines() if line.startswith("| n |")]
    assert {heading.strip() for heading in headings.strip("|").split("|")} - {"n"} <= known


@pytest.mark.parametrize(
    ("extractor", "golden"),
    [
        (Digits, [1.10088, 0.1931, 1.18805, 0.42364, -2.67554, -7.12512, -2.40408, -2.86689]),
        (Mnist, [0.92223, 0.26761, 1.59755, 0.0166, 3.04428, -42.65679, 1.80054, -21.30213]),
    ],
)
def test_golden_features(extractor: type[Embedded], golden: list[float]) -> None:
    features, logits = extractor().build(["64", "logits"])(pattern(extractor.sizes[0]))
    assert features.shape == (3, extractor.dimension)
    assert [*features[0, :4].tolist(), *logits[2, :4].tolist()] == pytest.approx(golden, rel=1e-4, abs=1e-5)


def test_held_out_accuracy_is_as_on_the_card() -> None:
    (logits,) = Digits().build(["logits"])(TEST.data)
    assert int((logits.argmax(dim=1) == TEST.labels).sum()) == 888


@pytest.mark.slow
def test_held_out_accuracy_on_mnist_is_as_on_the_card(shared_data: Path) -> None:
    samples = MNIST().load("test", root=shared_data)
    network = Mnist().build(["logits"])
    found = torch.cat([network(part)[0].argmax(dim=1) for part in samples.data.split(500)])
    assert samples.labels is not None
    assert int((found == samples.labels).sum()) == 9876


@pytest.mark.parametrize("layers", [["64"], ["logits"], ["64", "logits"], ["logits", "64"]])
def test_outputs_come_in_the_order_asked_for(layers: list[str]) -> None:
    outputs = Digits().build(layers)(pattern(16))
    assert [output.shape[1] for output in outputs] == [{"64": 64, "logits": 10}[layer] for layer in layers]


def test_neither_the_batch_nor_the_threads_change_a_bit() -> None:
    network, data = Digits().build(["64"]), TEST.data[:200]
    threads, (whole,) = torch.get_num_threads(), network(data)
    try:
        torch.set_num_threads(1)
        for size in (1, 17, 64):
            assert torch.equal(torch.cat([network(part)[0] for part in data.split(size)]), whole)
    finally:
        torch.set_num_threads(threads)


def test_layouts_differ_by_rounding_only(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Digits().build(["64", "logits"])
    fast = network(TEST.data)
    monkeypatch.setattr(embedded, "blocked", lambda x: x)
    for one, other in zip(fast, network(TEST.data), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_three_equal_channels_are_one_and_colour_is_refused() -> None:
    network = Digits().build(["64"])
    grey = pattern(16)
    assert torch.equal(network(grey.repeat(1, 3, 1, 1))[0], network(grey)[0])
    colour = grey.repeat(1, 3, 1, 1)
    colour[0, 0] += 1
    with pytest.raises(UsageError, match="refuses coloured ones"):
        network(colour)


def test_other_sizes_and_types_are_refused_by_name() -> None:
    with pytest.raises(UsageError, match="ganbench-digits was trained on 1x16x16 images and refuses 1x32x32"):
        Digits().build(["64"])(pattern(32))
    with pytest.raises(UsageError, match="takes uint8 images"):
        Digits().build(["64"])(pattern(16).float())


def test_registering_twice_changes_nothing() -> None:
    from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

    register_with_torch_fidelity()
    register_with_torch_fidelity()
    assert FEATURE_EXTRACTORS_REGISTRY["ganbench-digits"] is Digits.network
    assert FEATURE_EXTRACTORS_REGISTRY["ganbench-mnist"] is Mnist.network


def test_damaged_weights_are_detected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray((WEIGHTS / "digits.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "digits.safetensors").write_bytes(bytes(data))
    monkeypatch.setattr(embedded, "WEIGHTS", tmp_path)
    for use in (Digits().sha256, lambda: Digits().build(["64"])):
        with pytest.raises(DataError, match="is damaged: its SHA-256 begins"):
            use()
    with pytest.raises(DataError, match="cannot read the weights"):
        Mnist().sha256()


def test_weights_of_the_users_own(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    state = load_file(WEIGHTS / "digits.safetensors")
    save_file({**state, "classifier.bias": state["classifier.bias"] + 1}, path)
    cls = Digits.network
    own = cls("ganbench-digits", ["logits"], feature_extractor_weights_path=str(path), verbose=False)
    torch.testing.assert_close(own(pattern(16))[0], Digits().build(["logits"])(pattern(16))[0] + 1)
    save_file({"other": torch.zeros(1)}, path)
    with pytest.raises(DataError, match="does not hold the weights of ganbench-digits"):
        cls("ganbench-digits", ["64"], feature_extractor_weights_path=str(path))
    with pytest.raises(UsageError, match="computes in float32"):
        cls("ganbench-digits", ["64"], feature_extractor_internal_dtype="float64")
