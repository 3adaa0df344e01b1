"""Foreign text made harmless: what plugins, logs and file names say, before anyone's terminal sees it."""

import re
import unicodedata

_ESCAPE = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC: titles and links
    r"|[\x1b\x9b]\[?[0-?]*[ -/]*[@-~]"  # CSI and two-character sequences
)
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def clean(text: str) -> str:
    """One line without escape sequences, control, direction or invisible characters, whoever wrote the text."""
    text = " ".join(_ESCAPE.sub("", text).split())
    return "".join("" if unicodedata.category(character) in _HIDDEN else character for character in text)


def clean_line(text: str) -> str:
    """One printable line with its inner spacing, for columns."""
    return "".join(part if part.isspace() else clean(part) for part in re.split("( {2,})", text))
