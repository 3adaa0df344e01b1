"""What an extractor and its weights are called in an error: by what users typed and set."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ganbench.api import Extractor
from ganbench.errors import GanbenchError


@contextmanager
def called(name: str, extractor: Extractor) -> Iterator[None]:
    """Let errors inside name an extractor as it was asked for: ``inception``, not ``inception-v3-compat``.

    Parts of longer words and of paths stay as they are. Without a ``name`` nothing is changed. Where an error begins
    with the weights file that the extractor's environment variable names, its end says what to correct.
    """
    try:
        yield
    except GanbenchError as error:
        if name and extractor.registered_name and error.args:
            registered = rf"(?<![\w./\\-]){re.escape(extractor.registered_name)}(?![\w/\\-]|\.\w)"
            message = re.sub(registered, lambda _: name, str(error.args[0]))
            error.args = (f"{message}{_advice(message, extractor)}", *error.args[1:])
        raise


def _advice(message: str, extractor: Extractor) -> str:
    variable = str(getattr(extractor, "variable", ""))  # of those whose weights are fetched or the user's own
    named = os.environ.get(variable, "") if variable else ""
    if not named or variable in message or not message.startswith(f"{Path(named).expanduser().absolute()} "):
        return ""
    return f"; correct {variable}, which names it, or unset it"
