"""What an API path says about a call: the kind of call, and what is downloaded."""

import re

_OPERATIONS = (
    (re.compile(r"/embeddings?$|:(?:batch)?embedcontents?$"), "embedding"),
    (re.compile(r"/(?:chat/completions|messages|responses|converse(?:-stream)?|chat)$"), "chat"),
    (re.compile(r":(?:stream)?generatecontent$"), "chat"),
    (re.compile(r"/(?:completions?|generate|invoke(?:-with-response-stream)?)$"), "completion"),
)
_FETCH = ("content", "results", "output", "download")
_LISTS = ("models", "batches", "threads", "runs", "assistants", "engines", "deployments", "organizations", "projects")
_VERSION = re.compile(r"v\d+(?:alpha|beta)?\d*")
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,8}$")
_DIGIT = re.compile(r"\d")

RULE = (
    "A GET is a download when its path ends in `content`, `results`, `output` or `download` behind an id, or in the name "
    "of an object: beneath `files`, with an extension, or with a digit (versions such as `v1` and entries of "
    "`models`, `batches`, `threads` and the like are no objects). The object is the path without its query and without "
    "that last word."
)


def operation_of(path: str) -> str:
    """The kind of call a POST to a path is; `other` where the path says nothing.

    >>> operation_of("/openai/deployments/d/chat/completions"), operation_of("/v1/embeddings"), operation_of("/v1/images")
    ('chat', 'embedding', 'other')
    """
    lowered = path.lower().rstrip("/")
    return next((operation for pattern, operation in _OPERATIONS if pattern.search(lowered)), "other")


def object_of(path: str) -> str | None:
    """What a GET of a path downloads, None where it is no download (see RULE).

    >>> object_of("/v1/files/file-7/content"), object_of("/files/logstash.jar"), object_of("/v1/models/gpt-4o")
    ('/v1/files/file-7', '/files/logstash.jar', None)
    """
    if path.endswith("/"):
        return None
    head, _, last = path.rpartition("/")
    collection = head.rpartition("/")[2]
    if last in _FETCH:
        return head if head.count("/") > 1 and not _VERSION.fullmatch(collection) else None
    if _VERSION.fullmatch(last) or collection in _LISTS:
        return None
    is_object = "/files/" in head + "/" or _EXTENSION.search(last) is not None or _DIGIT.search(last) is not None
    return path if is_object else None
