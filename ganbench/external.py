"""Where the samples of a row come from that no trial of ganbench made: a part of its specification."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field


class SourceSpec(BaseModel, frozen=True, extra="forbid"):
    """Where samples come from that no trial of ganbench made.

    Attributes:
        kind: image files, an array of samples, a generator saved as TorchScript or by ``torch.export``, or that of a
            trial on another dataset.
        label: what the row is called.
        named: the label was given: it names a way to train, and the seed which training of it this is.
        fingerprint: of the samples (:attr:`ganbench.api.Samples.fingerprint`), or the SHA-256 of a generator's file.
        latent_dim, latent: of a generator's z; 0 for samples.
        value_range: what black and white are in floating point images, e.g. ``"-1:1"``; empty for whole levels.
        size, channels: images were brought to this side, and made grey (1) or colour (3); 0 is as they are.
    """

    kind: Literal["images", "array", "torchscript", "exported", "trial"]
    label: str
    named: bool = False
    fingerprint: str
    latent_dim: Annotated[int, Field(ge=0)] = 0
    latent: Literal["normal", "uniform"] = "normal"
    value_range: Literal["", "-1:1", "0:1", "0:255"] = ""
    size: Annotated[int, Field(ge=0)] = 0
    channels: Literal[0, 1, 3] = 0
