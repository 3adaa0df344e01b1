"""The generated inputs, a function for each kind; each raises where an input does what it must not."""

import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from PIL import Image

from ganbench import plugins
from ganbench.cli import COMMANDS, main
from ganbench.datasets.folder import Folder
from ganbench.errors import GanbenchError
from ganbench.planning import suite
from ganbench.planning.suite import Suite
from ganbench.records.folder import TrialFolder
from ganbench.spec import Recipe
from ganbench.store.archive import FILES, read_archive
from ganbench.store.results import read_rows
from ganbench.store.verification import verify
from ganbench.tables import render
from ganbench.training import checkpoint

from .guard import guarded

FORMS = ("table", "markdown", "csv", "json", "latex")
NASTY = st.sampled_from(["", " ", "..", "../../x", "/etc/passwd", "\x1b[2J", "=1+1", "a" * 500, "é\u202e", "\0", "-1",
                         "nan", "1e999", "[", "]", "hinge", "hinge+r1[gamma=0.1]", "wgan-gp[lambda_gp=1|10]", "mlp",
                         "ring", "folder:/nowhere", "0,", "1", "true", "{}", "%s", "$(id)", "\ud800"])  # fmt: skip
WORD = st.one_of(NASTY, st.text(max_size=12))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), WORD),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORD, inner, max_size=3)),
    max_leaves=6,
)
BYTES = st.binary(max_size=300)
OPTIONS = ("--losses", "--arch", "--datasets", "--seeds", "--steps", "--images", "--batch-size", "--metrics", "--set",
           "--extractor", "--num-samples", "--reference", "--eval-every", "--protocol", "--suite", "--device", "--jobs",
           "--timeout", "--memory-limit", "--checkpoint-seconds", "--format", "--out", "--status", "--kind", "--json",
           "--yes", "--n", "--seed", "--to", "--debugg", "--help", "--quiet", "--baselines")  # fmt: skip
# What would train, serve or look at the whole machine is not run in this process; its options are parsed all the same.
LEFT_OUT = {"doctor", "ci", "report"}


def command_line(draw: Any, place: Path, example: Path) -> None:
    """Any words after ``ganbench``: ends with one line and an exit code, never a traceback."""
    names = [name for name in COMMANDS if name not in LEFT_OUT]
    words = [draw(st.one_of(st.sampled_from(names), WORD))]
    words += draw(
        st.lists(st.one_of(st.sampled_from(OPTIONS), WORD, st.sampled_from(["list", "show", "verify"])), max_size=7)
    )
    if words[0] == "run":
        # Up to the plan, which is the worker's: no loss, no architecture or an unknown one.
        words += ["--losses", "no-such-loss"]
    with guarded(place):
        code, _, messages = run_command(words, place)
    assert code in (0, 1, 2, 130), f"exit code {code}"
    assert "ganbench: unexpected " not in messages, messages
    assert "Traceback" not in messages, messages
    assert "\x1b" not in messages, repr(messages)


def run_command(words: list[str], place: Path) -> tuple[Any, str, str]:
    """Run a command line in this process, in ``place``; return exit code, stdout and stderr."""
    before = os.getcwd()
    output, messages = io.StringIO(), io.StringIO()
    os.chdir(place)
    try:
        with redirect_stdout(output), redirect_stderr(messages):
            main([word for word in words if word != "--debug"])
    except SystemExit as end:
        return end.code, output.getvalue(), messages.getvalue()
    finally:
        os.chdir(before)


def suite_file(draw: Any, place: Path, example: Path) -> None:
    """Any suite file: read, or refused in one line."""
    keys = st.sampled_from([*Suite.model_fields, "lossess", "recipe"])
    values = st.one_of(JSON.map(_toml), st.just("2024-01-01"), st.just("[[["), WORD.map(repr))
    lines = draw(st.lists(st.tuples(keys, values), max_size=5))
    recipe = draw(st.lists(st.tuples(st.sampled_from(list(Recipe.model_fields)), values), max_size=3))
    text = "\n".join(f"{key} = {value}" for key, value in lines)
    text += "\n[recipe]\n" + "\n".join(f"{key} = {value}" for key, value in recipe) if recipe else ""
    data = draw(st.one_of(st.just(text.encode("utf-8", "surrogatepass")), BYTES))
    path = place / "suite.toml"
    path.write_bytes(data)
    with guarded(place):
        try:
            loaded = suite.load(path)
            suite.to_request(loaded, Suite(), plugins.load([]).registry)
        except GanbenchError as error:
            _one_line(error)


def _toml(value: Any) -> str:
    try:
        return json.dumps(value)
    except ValueError:
        return "nan"


def _changed(draw: Any, path: Path) -> None:
    """Change one file of a trial: some bytes, or one value of its JSON."""
    data = path.read_bytes()
    if draw(st.booleans()) and path.suffix == ".json":
        content = json.loads(data)
        inner = content
        for _ in range(draw(st.integers(0, 3))):
            keys = sorted(key for key, value in inner.items() if isinstance(value, dict) and value)
            if not keys:
                break
            inner = inner[draw(st.sampled_from(keys))]
        key = draw(st.one_of(st.sampled_from(sorted(inner)), WORD)) if inner else draw(WORD)
        if draw(st.booleans()):
            inner[key] = draw(JSON)
        else:
            inner.pop(key, None)
        path.write_bytes(json.dumps(content).encode("utf-8", "surrogatepass"))
        return
    at = draw(st.integers(0, len(data)))
    path.write_bytes(draw(st.sampled_from([data[:at], data[:at] + draw(BYTES) + data[at:], draw(BYTES)])))


def _trial_file(name: str) -> Callable[[Any, Path, Path], None]:
    def check(draw: Any, place: Path, example: Path) -> None:
        folder = TrialFolder(place / "runs" / example.name)
        shutil.copytree(example, folder.path)
        _changed(draw, folder.path / name)
        form = draw(st.sampled_from(FORMS))
        with guarded(place):
            rows, complaints = read_rows(place / "runs")
            text = render(rows, form, width=None, colour=False)
            damage, _ = verify(folder)
        assert len(rows) + len(complaints) == 1
        assert "\x1b" not in text
        assert all("\n" not in line for line in (*complaints, *damage))

    check.__name__ = f"{name.partition('.')[0]}_file"
    check.__doc__ = f"Any content of a trial's {name}: a row, or one line that says what is wrong."
    return check


spec_file = _trial_file("spec.json")
result_file = _trial_file("result.json")
status_file = _trial_file("status.json")


def checkpoint_file(draw: Any, place: Path, example: Path) -> None:
    """Any checkpoint: loaded if it is one, else set aside."""
    path = place / "checkpoint.pt"
    content = {"state": {"step": draw(st.integers(0, 9))}, "seconds": 1.0}
    checkpoint.save(path, "trial", content)
    data = path.read_bytes()
    at = draw(st.integers(0, len(data)))
    changed = draw(st.sampled_from([data[:at], data[:at] + draw(BYTES) + data[at + 1 :], draw(BYTES), data]))
    path.write_bytes(changed)
    with guarded(place):
        found, warnings = checkpoint.latest(path, "trial", lambda taken: taken)
    assert (found is None) == bool(warnings)
    assert found in (None, content)


def images(draw: Any, place: Path, example: Path) -> None:
    """Any folder or zip of images: read, or refused in one line; nothing is unpacked."""
    buffer = io.BytesIO()
    Image.new(draw(st.sampled_from(["L", "RGB", "RGBA", "I;16", "1"])), (8, draw(st.sampled_from([1, 8])))).save(
        buffer, "PNG"
    )
    good = buffer.getvalue()
    at = draw(st.integers(0, len(good)))
    contents = st.sampled_from([good, good[:at], good[:at] + draw(BYTES) + good[at:], draw(BYTES)])
    letters = st.characters(exclude_characters="/\0", exclude_categories=["Cs"])
    names = st.one_of(
        st.sampled_from(["a.png", "b/c.png", "../x.png", "/abs.png", ".hidden.png", "b/d.jpg", "t.txt"]),
        st.text(letters, min_size=1, max_size=8).map(lambda text: f"{text}.png"),
    )
    files = draw(st.lists(st.tuples(names, contents), max_size=4))
    if draw(st.booleans()):
        path = place / "set.zip"
        with zipfile.ZipFile(path, "w", draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))) as archive:
            for name, content in files:
                archive.writestr(zipfile.ZipInfo(name), content)
        if draw(st.booleans()):
            data = path.read_bytes()
            cut = draw(st.integers(0, len(data)))
            path.write_bytes(data[:cut] + draw(BYTES) + data[cut:])
    else:
        path = place / "set"
        path.mkdir()
        for name, content in files:
            inside = (path / name.lstrip("/").replace("../", "")).resolve()
            if inside.is_relative_to(path.resolve()) and len(inside.name.encode()) < 200:
                inside.parent.mkdir(parents=True, exist_ok=True)
                if not inside.is_dir():
                    inside.write_bytes(content)
    with guarded(place / "nothing"):
        try:
            samples = Folder(path=str(path), size=draw(st.sampled_from([0, 4]))).load("train", root=place)
            assert samples.data.dim() == 4
        except GanbenchError as error:
            _one_line(error)


def archives(draw: Any, place: Path, example: Path) -> None:
    """Any archive: imported whole, or refused and nothing left."""
    path, out = place / "trial.zip", place / "runs"
    prefixes = st.sampled_from([example.name, "..", "/abs", "../../x", "", "other", "."])
    with zipfile.ZipFile(path, "w") as archive:
        for name in FILES:
            source = example / name
            if source.exists() and draw(st.integers(0, 9)):
                prefix = example.name if draw(st.integers(0, 9)) else draw(prefixes)
                member = zipfile.ZipInfo(f"{prefix}/{name}")
                member.external_attr = draw(st.sampled_from([0, 0, 0, 0o100644 << 16, 0o120777 << 16]))
                archive.writestr(member, source.read_bytes() if draw(st.integers(0, 9)) else draw(BYTES))
        if draw(st.booleans()):
            archive.writestr(draw(WORD).replace("\ud800", "").partition("\0")[0] or "x", b"x")
    with guarded(out):
        try:
            folder = read_archive(path, out)
            assert verify(folder)[0] == []
        except GanbenchError as error:
            _one_line(error)
            assert not out.exists() or list(out.iterdir()) == []


def plugin_metadata(draw: Any, place: Path, example: Path) -> None:
    """Any metadata of an installed package: its plugins work, or are listed as broken."""
    metadata = place / "x-1.0.dist-info"
    metadata.mkdir()
    name = draw(WORD).replace("\ud800", "")
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {draw(WORD)!r}\n", "utf-8")
    lines = st.one_of(
        st.sampled_from(["[ganbench]", "a = json", "b = no.such.module", "c = json:loads", "d = os:nothing", "e = :"]),
        WORD.map(repr),
        st.tuples(WORD, WORD).map(" = ".join),
    )
    text = "[ganbench]\n" + "\n".join(draw(st.lists(lines, max_size=4)))
    (metadata / "entry_points.txt").write_bytes(text.encode("utf-8", "surrogatepass"))
    with guarded(place):
        try:
            points = [point for point in PathDistribution(metadata).entry_points if point.group == "ganbench"]
        except Exception:
            return  # what `installed` leaves out with a warning
        loaded = plugins.load(points, {})
    assert all(plugin.status in ("ok", "broken") for plugin in loaded.plugins)


KINDS: dict[Callable[[Any, Path, Path], None], int] = {
    command_line: 20, suite_file: 20, spec_file: 12, result_file: 12, status_file: 6, checkpoint_file: 10, images: 8,
    archives: 6, plugin_metadata: 6,
}  # fmt: skip
"""Each kind with its share of the inputs, in per cent."""


def fresh_place() -> tempfile.TemporaryDirectory[str]:
    """A folder for one input."""
    return tempfile.TemporaryDirectory(prefix="ganbench-fuzz-")


def _one_line(error: GanbenchError) -> None:
    assert str(error).strip(), "an error without words"
    assert len(str(error)) < 5000
