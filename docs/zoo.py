"""Writes ``zoo.md`` from the registry: ``python docs/zoo.py``. A test holds the page to what this makes of the code."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ganbench import components, plugins
from ganbench.explain import explain
from ganbench.parameters import defaults
from ganbench.registry import Entry
from ganbench.spec import Scalar, format_scalar

PAGE = Path(__file__).with_name("zoo.md")
COUNTED = (3, 32, 32)
COUNTED_POINTS = (2,)
LATENT_DIM = 128

INTRODUCTION = """# The catalogue

Every component that ships with ganbench, made from the code by `python docs/zoo.py`: [losses](#losses),
[penalties](#penalties), [augmentations](#augmentations), [architectures](#architectures), [datasets](#datasets),
[metrics](#metrics) and [extractors](#extractors). `ganbench list` names the same and what plugins add, `ganbench show
NAME` explains one. `r` and `f` are raw discriminator outputs on real and fake samples, means are
over the batch, both players minimise. Where several variants are in circulation, the text says which one this is.
"""

PENALTIES = """Any loss takes penalties: `hinge+r1[gamma=0.1]`, `vanilla+lecam+consistency[flip=false]`. A loss that
carries a penalty on gradients or weights as part of its definition refuses another. Most join the discriminator's
objective; `feature-matching`, `mode-seeking`, `orthogonal` and `path-length` join the generator's, beside whatever the
discriminator has.
"""

ARCHITECTURES = f"""Any number of channels; a parameter of 0 or `auto` is settled as the text says. The counts are the
parameters of generator and discriminator as built by default for {"x".join(map(str, COUNTED))} images, or for points in
the plane where it makes points alone, and a latent dimension of {LATENT_DIM}.
"""

CONDITIONAL = """## Class-conditional training

`condition=projection` or `condition=classifier` makes an architecture class-conditional:

```
ganbench run --losses hinge --arch 'resnet,resnet[condition=projection],resnet[condition=classifier]'
```

| condition | discriminator | objective |
|---|---|---|
| `projection` | samples and labels to an output + ⟨embedding(label), features⟩ (arXiv:1802.05637) | the loss |
| `classifier` | samples to an output and class logits (AC-GAN, arXiv:1610.09585) | the loss + cross-entropy |

AC-GAN's cross-entropy of the labels is the discriminator's on real and on fake, weighted by `classifier_d`, and the
generator's on fake, weighted by `classifier_g`.

The generators of `resnet` and `sagan` have conditional batch norm; all others get the class as one-hot beside z.

- The fakes of a discriminator update carry the labels of the real batch beside them, so both sides have the same
  classes, and a penalty's point between real and fake has one label. The generator's update draws labels of training
  samples; a loss that compares with real samples gets fakes of those samples' classes.
- Fakes are scored with the reference's labels (each drawn once before any is drawn again) or, `--labels balanced`, with
  as many of each class, from a random stream of their own. The choice is part of the protocol: conditional and
  unconditional rows are never ranked together.
- `--metrics fid,intra-fid,gan-test` adds the [metrics of conditional
  generators](evaluation.md#metrics-of-conditional-generators): the mean over classes of the FID of a class, and how
  many of the fakes are of the class that they were asked for.
- `samples.png` has a column for each class (up to 16), and `ganbench sample TRIAL --class 3` draws one class.
- A dataset without labels is refused by name, and so is `replay`, which keeps no labels.
- In Python, an architecture declares `conditioning` and implements `build_conditional`
  (`ganbench.api.Architecture`); unconditional ones are not concerned.
"""

AUGMENTATIONS = """Transforms of real and fake images, named by a recipe's `augment`, in whose order they are applied.
`color` and `cutout`, the other two of the paper, come with the package `ganbench-diffaugment`.
"""

ADAPTIVE = """## Adaptive augmentation (ADA)

`--set augment=translation,ada_target=0.6` applies each augmentation to each image with a probability p that
starts at 0 and is moved every four discriminator updates, up where the mean sign of D on real images is above the
target, down where it is below, so fast that `ada_images` real images take it from 0 to 1 (Karras et al. 2020,
arXiv:2006.06676; their target is 0.6). The transforms are those of `augment`, not the paper's eighteen. The sign is
that of the distance to the output of a discriminator in doubt, the one for real and fake that costs the loss least: 0
for `vanilla` and `hinge`, 1/2 for `lsgan`, 1 for `fgan-kl`. Wasserstein and relativistic losses have no such output, as
they see nothing but differences, and are refused. p and what it was computed from are in the checkpoint.
"""

DATASETS = """A dataset is scored with these metrics and this extractor unless `--metrics` and `--extractor` say
otherwise. `mnist`, `fashion-mnist`, `cifar10`, `cifar100` and `stacked-mnist` download their files at the first use.
"""

METRICS = """[What each number is worth](evaluation.md) says what each one sees and what it hides.
"""

EXTRACTORS = """The weights of `digits` and `mnist` ship with ganbench, and the stacked ones are made of them. All
others are torch-fidelity's, whose weights are downloaded at the first use or [provided
beforehand](concepts/extractor.md).
"""


def page() -> str:
    """The whole page."""
    registry = plugins.load(environ={"GANBENCH_PLUGINS": ""}).registry
    parts = [INTRODUCTION]
    for title, kind, introduction in (
        ("Losses", "loss", ""),
        ("Penalties", "penalty", PENALTIES),
        ("Augmentations", "augmentation", AUGMENTATIONS),
        ("Architectures", "architecture", ARCHITECTURES),
    ):
        parts += [f"## {title}\n", introduction, *(entry for one in registry.entries(kind) for entry in section(one))]
    parts += [CONDITIONAL, ADAPTIVE]
    for title, kind, introduction, facts in (
        ("Datasets", "dataset", DATASETS, ("metrics", "extractor")),
        ("Metrics", "metric", METRICS, ()),
        ("Extractors", "extractor", EXTRACTORS, ()),
    ):
        parts += [f"## {title}\n", introduction, table(registry.entries(kind), facts)]
    return "\n".join(part for part in parts if part)


def table(entries: Iterable[Entry], facts: Sequence[str]) -> str:
    """One line per component: its name, what it is with its paper, and the facts asked for."""
    lines = [["name", "what", *facts], ["---"] * (2 + len(facts))]
    for entry in entries:
        name = f"{entry.name}:{entry.argument.upper()}" if entry.argument else entry.name
        known = explain(entry)["facts"]
        what = f"{entry.summary} ({entry.paper})" if entry.paper else entry.summary
        lines.append([f"`{name}`", what, *(str(known.get(fact) or "-") for fact in facts)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def section(entry: Entry) -> Iterator[str]:
    """One component: what it is, its formula, paper, parameters and recipe."""
    about = explain(entry)
    yield f"### `{entry.name}`\n"
    yield f"{entry.summary} ({entry.paper}).\n"
    doc = about["doc"].replace("``", "`")
    yield f"{doc}\n"
    facts = {key: value for key, value in about["facts"].items() if value}
    lines = [f"- {key}: `{value}`" if key in FORMULAS else f"- {key}: {value}" for key, value in facts.items()]
    lines += parameters(about["parameters"], about["meanings"])
    if about["recommends"]:
        lines.append("- recommends: " + ", ".join(f"`{typed}`" for typed in as_typed(about["recommends"]).values()))
    if entry.kind == "architecture":
        lines.append(f"- counts: {' and '.join(f'{count:,}' for count in counts(entry))}")
    yield "\n".join(lines) + "\n"


def parameters(defaults: dict[str, Scalar], meanings: dict[str, str]) -> Iterator[str]:
    """The parameters with their defaults: in one line, or in one each where it is told what they mean."""
    if any(key in meanings for key in defaults):
        yield "- parameters:"
        for key, typed in as_typed(defaults).items():
            yield f"    - `{typed}`" + (f": {meanings[key]}" if key in meanings else "")
    elif defaults:
        yield "- parameters: " + ", ".join(f"`{typed}`" for typed in as_typed(defaults).values())


def as_typed(values: dict[str, Scalar]) -> dict[str, str]:
    """Names with values as they are typed, by name: ``width=64``."""
    return {key: f"{key}={format_scalar(value)}" for key, value in values.items()}


FORMULAS = ("discriminator minimises", "generator minimises", "term")


def counts(entry: Entry) -> list[int]:
    """The parameters of both networks."""
    cls: Any = components.load_class(entry)
    settled = cls.settle(defaults("architecture", cls), gradient_penalty=False, weight_clipping=False)
    networks = cls(**settled).networks(COUNTED if "image" in cls.kinds else COUNTED_POINTS, LATENT_DIM, 0)
    return [sum(parameter.numel() for parameter in network.parameters()) for network in networks]


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write(f"{PAGE}\n")
