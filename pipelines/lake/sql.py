"""Whether a text is one SQL statement that only reads."""

import re

from schemas.errors import QueryRefused

READING = ("SELECT", "WITH", "EXPLAIN", "SHOW", "DESCRIBE", "DESC")

CHANGING = frozenset(
    {
        "ALTER", "CALL", "COPY", "CREATE", "DEALLOCATE", "DELETE", "DROP", "EXECUTE", "GRANT", "INSERT", "INTO", "LOAD",
        "MERGE", "PREPARE", "RESET", "REVOKE", "SET", "TRUNCATE", "UNLOAD", "UPDATE", "VACUUM",
    }
)  # fmt: skip
"""Words that stand in no reading statement outside strings, comments and quoted names. `EXPLAIN ANALYZE COPY` and
`WITH ... INSERT` begin like reading ones and write; `SELECT ... INTO` makes a table."""

_FIX = f"write one {', '.join(READING[:-1])} statement; put a name that is an SQL word in double quotes"

_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<comment>--[^\n]*)
    | (?P<string>'(?:[^']|'')*')
    | (?P<name>"(?:[^"]|"")*" | `(?:[^`]|``)*`)
    | (?P<word>[^\W\d]\w*)
    | (?P<number>\d\w*)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)


def words_of(sql: str) -> list[str]:
    """The words of one reading statement, upper case, without comments and strings; quoted names without quotes.

    The check is stricter than SQL where the two could disagree: backslashes before a quote and dollar quotes make
    strings end elsewhere in some dialects, so in a text that has them the changing words are refused everywhere.

    Raises:
        QueryRefused: nothing, several statements, a statement that changes something, or an open string or comment.

    >>> words_of("select 1 -- drop;")
    ['SELECT']
    """
    if "\0" in sql:
        raise QueryRefused("query", "it holds a NUL character", "remove it")
    words: list[str] = []
    free: list[str] = []
    ended = False
    position = 0
    while position < len(sql):
        if sql.startswith("/*", position):
            position = _after_comment(sql, position)
            continue
        match = _TOKEN.match(sql, position)
        assert match is not None  # noqa: S101 - the last alternative matches anything
        position = match.end()
        kind, text = match.lastgroup, match.group()
        if kind in ("space", "comment"):
            continue
        if ended and text != ";":
            raise QueryRefused("query", "it holds more than one statement", _FIX)
        ended = ended or text == ";"
        if kind == "word":
            words.append(text.upper())
            free.append(text.upper())
        elif kind == "name":
            words.append(text[1:-1])
        elif text in ("'", '"', "`"):
            raise QueryRefused("query", f"a quote ({text}) is never closed", "close it; double a quote inside a string")
    _must_only_read(sql, free)
    return words


def _must_only_read(sql: str, free: list[str]) -> None:
    if not free:
        raise QueryRefused("query", "there is no statement", _FIX)
    if free[0] not in READING:
        raise QueryRefused("query", f"{free[0]} is not a reading statement", _FIX)
    seen = re.findall(r"\w+", sql.upper()) if "\\" in sql or "$" in sql else free
    changing = [word for word in seen if word in CHANGING]
    if changing:
        raise QueryRefused("query", f"{changing[0]} changes something, and the lake is only read here", _FIX)


def _after_comment(sql: str, start: int) -> int:
    """The position behind a block comment; such comments nest."""
    depth, position = 1, start + 2
    while depth:
        opening, closing = sql.find("/*", position), sql.find("*/", position)
        if closing < 0:
            raise QueryRefused("query", "a comment (/*) is never closed", "close it with */")
        if 0 <= opening < closing:
            depth, position = depth + 1, opening + 2
        else:
            depth, position = depth - 1, closing + 2
    return position
