import pytest

from transforms.ingest.paths import object_of, operation_of


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/v1/chat/completions", "chat"),
        ("/openai/deployments/d/chat/completions", "chat"),
        ("/chat/completions/", "chat"),
        ("/v1/messages", "chat"),
        ("/v1/responses", "chat"),
        ("/v1beta/models/gemini-pro:streamGenerateContent", "chat"),
        ("/v1/completions", "completion"),
        ("/v1/embeddings", "embedding"),
        ("/v1/images/generations", "other"),
        ("/v1/moderations", "other"),
        ("", "other"),
    ],
)
def test_a_posts_path_tells_the_kind_of_call(path: str, operation: str) -> None:
    assert operation_of(path) == operation


@pytest.mark.parametrize(
    ("path", "fetched"),
    [
        ("/v1/files/file-19/content", "/v1/files/file-19"),
        ("/v1/messages/batches/b1/results", "/v1/messages/batches/b1"),
        ("/files/logstash.jar", "/files/logstash.jar"),
        ("/files/docs/manual", "/files/docs/manual"),
        ("/api/v2/documents/10023", "/api/v2/documents/10023"),
        ("/api/reports/summary.pdf", "/api/reports/summary.pdf"),
        ("/v1/models/gpt-4o", None),
        ("/v1/batches/batch_1", None),
        ("/api/v2", None),
        ("/v1/files", None),
        ("/files/", None),
        ("/v1/content", None),
        ("/api/status", None),
        ("", None),
    ],
)
def test_a_gets_path_tells_what_is_downloaded(path: str, fetched: str | None) -> None:
    assert object_of(path) == fetched
