"""What an extractor is called in an error: what users type, and not what torch-fidelity knows it by."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from ganbench.api import Extractor
from ganbench.errors import GanbenchError


@contextmanager
def called(name: str, extractor: Extractor) -> Iterator[None]:
    """Let errors inside name an extractor as it was asked for: ``inception``, not ``inception-v3-compat``.

    Parts of longer words and of paths stay as they are. Without a ``name`` nothing is changed.
    """
    try:
        yield
    except GanbenchError as error:
        if name and extractor.registered_name and error.args:
            registered = rf"(?<![\w./\\-]){re.escape(extractor.registered_name)}(?![\w/\\-]|\.\w)"
            error.args = (re.sub(registered, lambda _: name, str(error.args[0])), *error.args[1:])
        raise
