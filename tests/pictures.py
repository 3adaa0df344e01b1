"""Folders of pictures made up for tests, packed or not, and what a folder dataset says of those it refuses."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ganbench.datasets.folder import Folder
from ganbench.errors import DataError

NOWHERE = Path("/nowhere")


def picture(path: Path, level: int = 0, *, size: tuple[int, int] = (16, 16), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, level if mode == "L" else (level, 0, 0)).save(path)


def zipped(folder: Path, *, wrapped: bool = False) -> Path:
    archive = shutil.make_archive(
        str(folder) + ("-wrapped" if wrapped else ""),
        "zip",
        folder.parent if wrapped else folder,
        folder.name if wrapped else None,
    )
    return Path(archive)


def refused(path: Path, split: str = "train", **parameters: Any) -> str:
    with pytest.raises(DataError) as caught:
        Folder(path=str(path), **parameters).load(split, root=NOWHERE)
    assert "\n" not in str(caught.value)
    return str(caught.value)
