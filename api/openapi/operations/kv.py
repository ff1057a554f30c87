"""`/kv`: the key-value store."""

from api.documents.answers import Empty
from api.openapi.operation import (
    ANY_BYTES,
    BYTES,
    DONE,
    JSON,
    NO_PATH,
    PATH,
    Body,
    Operation,
    Parameter,
    Reply,
    Token,
    refusals,
    reply,
    switch,
)

TAG = "Key-value store"

_TOKENS: tuple[Token, ...] = ("user", "job")
_KEY = Parameter(
    "key",
    "The key: names of printable characters with single slashes between them, without `.` and `..`.",
    PATH,
    "path",
    True,
    "run/1",
)
_PAIR = {"type": "object", "additionalProperties": {"type": ["string", "null"]}}
_KEYS = {"type": "array", "items": {"anyOf": [{"type": "string"}, _PAIR]}}
_VALUES = switch("values", "Objects of key and value instead of keys; null for a value that is no text.")
_LIST = switch("list", "The keys that begin with the given one, instead of its value.")
_LIST_ALL = switch("list", "Must be there: the list is all there is to ask for.")
_BAD_KEY = refusals(_400="The key cannot be one, or the list is too long.")

OPERATIONS = (
    Operation(
        "GET",
        "/kv",
        TAG,
        "List all keys",
        {200: Reply("The keys; each begins with '/'.", {JSON: _KEYS}), **_BAD_KEY},
        parameters=(_LIST_ALL, _VALUES),
        tokens=_TOKENS,
    ),
    Operation(
        "GET",
        "/kv/{key}",
        TAG,
        "Read a value",
        {
            200: Reply("The value, or with `list` the keys.", {BYTES: ANY_BYTES, JSON: _KEYS}),
            **_BAD_KEY,
            **NO_PATH,
            **refusals(_404="There is no such key."),
        },
        parameters=(_KEY, _LIST, _VALUES),
        tokens=_TOKENS,
    ),
    Operation(
        "POST",
        "/kv/{key}",
        TAG,
        "Write a value",
        {
            201: reply("Stored.", Empty),
            **refusals(_400="The value is empty or too big, the key cannot be one, or the value was not `prev`."),
            **NO_PATH,
        },
        says="With `prev` the value is written only where it was `prev` until then: of many who try, one succeeds.",
        parameters=(_KEY, Parameter("prev", "What the value must have been.", {"type": "string"})),
        body=Body({BYTES: ANY_BYTES}, "The value: bytes, 16 KB at most."),
        tokens=_TOKENS,
    ),
    Operation(
        "DELETE",
        "/kv/{key}",
        TAG,
        "Delete a key",
        {200: DONE, **_BAD_KEY, **NO_PATH},
        parameters=(_KEY, switch("prefix", "The keys below it as well.")),
        tokens=_TOKENS,
    ),
)
