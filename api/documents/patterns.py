"""Regular expressions that the JSON schema gives for texts, as far as one can say what the validators check.

They are written in what ECMAScript, Python and Rust read alike: no look-around, no ``\\s`` or ``\\w``, which each of them
understands otherwise. Each accepts all that validation accepts; what it cannot say, such as bytes in a component, the
validators alone know.
"""

CONTROLS = r"\x00-\x1f\x7f-\x9f"
"""Control characters, for use in a character class."""
BLANKS = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""Blanks as ``str.strip`` and ``str.split`` know them, for use in a character class."""


def whole(pattern: str) -> str:
    """The pattern, which has no ``|`` outside of groups, for all of a text rather than a part of it."""
    return f"^{pattern}$"


def component(no: str, dot: bool = True) -> str:
    """One component of a path without the characters in ``no``; never ``..``, and ``.`` only where ``dot`` allows it."""
    plain = rf"[^./{no}][^/{no}]*"
    return rf"(?:{plain}|\.(?:{plain}){'?' if dot else ''}|\.\.[^/{no}]+)"


def _relative_file(no: str) -> str:
    part = component(no)
    return f"(?:{part}/(?:{part}?/)*)?{component(no, dot=False)}"


def _mount_point(no: str) -> str:
    """Below ``/``: one component at least has something else than dots."""
    part = f"{component(no)}?"
    return rf"/(?:{part}/)*\.*[^./{no}][^/{no}]*(?:/{part})*"


def _without_parent(no: str) -> str:
    part = f"{component(no)}?"
    return f"{part}(?:/{part})*"


def _http_url(user: str) -> str:
    no = CONTROLS + BLANKS
    host = rf"(?:[^{no}/?#@:\[\]]+|\[[0-9A-Fa-f:.]+\])"
    return rf"[Hh][Tt][Tt][Pp][Ss]?://{user}{host}(?::[0-9]{{0,5}})?(?:[/?#][^{no}]*)?"


LINE = f"[^{CONTROLS}]*"
TEXT = r"[^\x00]*"
OPTION_FREE = f"[^{CONTROLS}{BLANKS}-](?:[^{CONTROLS}]*[^{CONTROLS}{BLANKS}])?"
"""A line that does not begin with ``-`` and has no blanks around it."""
COMMAND = r"""(?:[^'"\\\x00]|\\[^\x00]|'[^'\x00]*'|"(?:[^"\\\x00]|\\[^\x00])*")*"""
"""Words quoted as for a shell, every quotation mark closed."""
NOT_BLANK = f"[^{BLANKS}]"
LAUNCHER = f"^[{BLANKS}]*(?:[^{BLANKS}]*/)?(?:mpirun|mpiexec)(?:[.][^{BLANKS}/]*)?(?:[{BLANKS}]|$)"
"""The beginning of a command that starts an MPI launcher (more are refused: those with quotation marks in the name)."""
SHA256 = "[0-9a-fA-F]{64}"
ENV_NAME = "[A-Za-z_][A-Za-z0-9_]*"
JOB_NAME = r"[A-Za-z0-9\-_ ./]*"
LABEL_KEY = "[A-Za-z0-9]+"
LABEL_VALUE = r"[^\x00-,:-@\[-\^`{-\xa9\xab-\xb1\xb4\xb6-\xb8\xbb\xbf\xd7\xf7\u2000-\u206f\ue000-\uf8ff]+"
"""Letters and digits of all scripts, ``_``, ``-``, ``.`` and ``/``: all but what is surely none of these."""
BASE64 = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
RELATIVE_FILE = _relative_file(CONTROLS)
MOUNT_POINT = _mount_point(f"{CONTROLS}:,")
OUTPUT_PATH = _without_parent(r"\x00")
HTTP_URL = _http_url(rf"(?:[^{CONTROLS}{BLANKS}/?#@]*@)?")
OPEN_HTTP_URL = _http_url("")
"""An http or https URL without user name or password."""
OBJECT_NAME = f"(?:{component(CONTROLS)}(?:/{component(CONTROLS)}?)*)"
"""The name of something uploaded, where the text does not begin with a URL's scheme."""
SCHEME = r"[A-Za-z][A-Za-z0-9+.\-]*:/"
ARTIFACT_MOUNT = f"{component(f'{CONTROLS},:', dot=False)}:{MOUNT_POINT}"
