"""What is in deploy/ fits the program and itself; containers are not started here."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from pipelines.cli.main import cli
from pipelines.sight.metrics import METRICS
from schemas.alert import ALERTS

_OF_PROMETHEUS = {"up": {"job", "instance"}}
_OURS = {metric.full_name: metric for metric in METRICS}
_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_FUNCTIONS = {
    "absent", "avg_over_time", "delta", "histogram_quantile", "increase", "max", "min", "min_over_time", "rate",
    "resets", "sum", "time",
}  # fmt: skip
_WORDS = {"and", "by", "or", "on", "unless"}
_OPENING = {")": "(", "]": "[", "}": "{"}


@pytest.fixture(scope="module")
def deploy(checkout: Path) -> Path:
    return checkout / "deploy"


@pytest.fixture(scope="module")
def compose(deploy: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((deploy / "compose.yaml").read_text()))


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    assert {key for key in compose if not key.startswith("x-")} == {"services", "networks", "volumes"}
    return dict(compose["services"])


@pytest.fixture(scope="module")
def rules(deploy: Path) -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((deploy / "prometheus" / "stillwatch.rules.yml").read_text())["groups"]
    assert set(group) == {"name", "rules"}
    return list(group["rules"])


@pytest.fixture(scope="module")
def dashboard(deploy: Path) -> dict[str, Any]:
    return dict(json.loads((deploy / "grafana" / "dashboards" / "stillwatch.json").read_text()))


def test_all_services_are_there(services: dict[str, Any]) -> None:
    assert set(services) == {"scheduler", "worker", "backfill", "watch", "broker", "prometheus", "grafana"}


def test_every_service_is_without_rights_and_our_own_are_on_the_closed_network_alone(
    services: dict[str, Any], compose: dict[str, Any]
) -> None:
    assert compose["networks"]["cluster"] == {"internal": True}
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert set(service.get("depends_on", ())) <= set(services), name
        is_reached = name in ("broker", "grafana")
        assert service["networks"] == (["cluster", "outside"] if is_reached else ["cluster"]), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        assert is_reached or "ports" not in service, name


def test_every_volume_is_declared_or_a_folder_that_is_there(
    services: dict[str, Any], compose: dict[str, Any], deploy: Path
) -> None:
    for name, service in services.items():
        for volume in service.get("volumes", ()):
            place = volume.replace("${LOGS:?name the folder of the logs}", "LOGS").split(":")[0]
            assert place in compose["volumes"] or place == "LOGS" or (deploy / place).is_dir(), (name, volume)


def test_the_commands_of_services_and_units_are_commands_of_the_program(services: dict[str, Any], deploy: Path) -> None:
    asked = [service["command"] for service in services.values() if service.get("command", [""])[0] == "stillwatch"]
    unit = (deploy / "systemd" / "stillwatch-watch.service").read_text()
    asked += [re.search(r"^ExecStart=/opt/stillwatch/bin/(stillwatch .*)$", unit, re.MULTILINE)[1].split()]  # type: ignore[index]
    assert {name for _, name, *_ in asked} == {"backfill", "watch"}
    for _, name, *arguments in asked:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        given = [str(argument) for argument in arguments if argument != "$OPTIONS"]
        command.make_context(name, given)


def test_prometheus_and_the_health_check_ask_where_the_watch_listens(services: dict[str, Any], deploy: Path) -> None:
    asked = services["watch"]["command"]
    port = asked[asked.index("--listen") + 1].rpartition(":")[2]
    config = yaml.safe_load((deploy / "prometheus" / "prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    assert job["job_name"] == "stillwatch"
    assert job["static_configs"] == [{"targets": [f"watch:{port}"]}]
    assert f"127.0.0.1:{port}/healthz" in services["watch"]["healthcheck"]["test"][-1]
    assert [Path(rule).name for rule in config["rule_files"]] == ["stillwatch.rules.yml"]


def test_the_image_runs_without_root_from_the_lock(checkout: Path) -> None:
    lines = (checkout / "deploy" / "Dockerfile").read_text().splitlines()
    assert "USER 10001" in lines
    assert any("--require-hashes -r requirements.lock" in line for line in lines)
    copied = [word for line in lines if line.startswith("COPY") for word in line.split()[1:-1]]
    assert all((checkout / word).exists() for word in copied)


def test_every_rule_is_whole_and_the_runbook_says_what_to_do(rules: list[dict[str, Any]], checkout: Path) -> None:
    headings = re.findall(r"^## (.+)$", (checkout / "docs" / "runbook.md").read_text(), re.MULTILINE)
    names = [rule["alert"] for rule in rules]
    assert names == [heading for heading in headings if heading.startswith("Stillwatch")]
    for rule in rules:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, rule["alert"]
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s")), rule["alert"]
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}, rule["alert"]
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"


def test_what_the_runbook_refers_to_knows_every_kind_of_alert(checkout: Path) -> None:
    (anchor,) = re.findall(r"\(operations\.md#([^)]+)\)", (checkout / "docs" / "runbook.md").read_text())
    sections = re.split(r"^##+ (.+)$", (checkout / "docs" / "operations.md").read_text(), flags=re.MULTILINE)
    named = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-"): title for title in sections[1::2]}
    section = dict(zip(sections[1::2], sections[2::2], strict=True))[named[anchor]]
    assert sorted(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == sorted(ALERTS)


def test_the_dashboard_is_laid_out_without_overlaps_and_each_panel_says_what_it_shows(
    dashboard: dict[str, Any],
) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["type"] == "row" or panel["description"], panel["title"]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_the_dashboard_reads_the_data_source_that_is_provisioned(dashboard: dict[str, Any], deploy: Path) -> None:
    provisioned = deploy / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioned / "datasources" / "prometheus.yaml").read_text())["datasources"]
    chosen = {one["name"]: one for one in dashboard["templating"]["list"]}["datasource"]
    assert (chosen["query"], chosen["current"]["value"]) == (source["type"], source["uid"])
    (provider,) = yaml.safe_load((provisioned / "dashboards" / "stillwatch.yaml").read_text())["providers"]
    compose = (deploy / "compose.yaml").read_text()
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in compose


def _expressions(rules: list[dict[str, Any]], dashboard: dict[str, Any]) -> list[str]:
    shown = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    return [rule["expr"] for rule in rules] + shown


def test_every_expression_asks_for_metrics_and_labels_that_the_program_has(
    rules: list[dict[str, Any]], dashboard: dict[str, Any]
) -> None:
    asked = _expressions(rules, dashboard)
    assert len(asked) > 30
    for expression in asked:
        _assert_known(expression)


def test_every_metric_is_on_the_dashboard(rules: list[dict[str, Any]], dashboard: dict[str, Any]) -> None:
    shown = " ".join(_expressions(rules, dashboard))
    missing = {name for name in _OURS if not re.search(rf"\b{name}(_bucket|_count|_sum)?\b", shown)}
    assert missing <= {"stillwatch_build_info"}


@pytest.mark.parametrize(
    "wrong",
    [
        "sum(stillwatch_lag_secnds)",
        "rate(stillwatch_lag_seconds[5m])",
        "rate(stillwatch_ingested_records_total)",
        'stillwatch_alerts_open{tier="act"}',
        "sum by (kind) (stillwatch_backlog_bytes)",
        "sum(stillwatch_backlog_bytes",
        "stillwatch_run_duration_seconds > 1",
        "summ(stillwatch_backlog_bytes)",
    ],
)
def test_a_wrong_expression_is_found(wrong: str) -> None:
    with pytest.raises(AssertionError):
        _assert_known(wrong)


def _assert_known(expression: str) -> None:
    """That it could be PromQL over our metrics: names, labels, functions, brackets, and rates of counters only."""
    plain = re.sub(r'"[^"]*"', '""', expression)
    open_brackets: list[str] = []
    for sign in plain:
        if sign in "([{":
            open_brackets.append(sign)
        elif sign in ")]}":
            assert open_brackets, expression
            assert open_brackets.pop() == _OPENING[sign], expression
    assert not open_brackets, expression
    known: set[str] = set()
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|on) \([^)]*\)", "", plain)
    for name in re.findall(rf"\b{_NAME}", bare):
        if not re.search(rf"\b{name}\s*\(", bare) and name not in _WORDS:
            known |= _labels(name, expression)
    for name in re.findall(rf"\b({_NAME})\s*\(", bare):
        assert name in _FUNCTIONS | _WORDS, (name, expression)
    for selected in re.findall(r"\{([^}]*)\}", plain):
        assert set(re.findall(rf"({_NAME})\s*[=!]", selected)) <= known, expression
    for grouped in re.findall(r"\b(?:by|on) \(([^)]*)\)", plain):
        assert {label.strip() for label in grouped.split(",")} <= known, expression
    for function, inside in re.findall(r"\b(rate|increase|resets)\(([^()]*)", plain):
        assert re.search(r"(_total|_bucket|_count|_sum)(\{[^}]*\})?\[[^\]]+\]$", inside), (function, expression)


def _labels(name: str, expression: str) -> set[str]:
    if name in _OF_PROMETHEUS:
        return _OF_PROMETHEUS[name]
    found = re.fullmatch(r"(.*?)(_bucket|_count|_sum)?", name)
    assert found is not None
    of_histogram = _OURS.get(found[1]) if found[2] else None
    metric = of_histogram if of_histogram is not None and of_histogram.kind == "histogram" else _OURS.get(name)
    assert metric is not None, (name, expression)
    assert of_histogram is not None or metric.kind != "histogram", (name, expression)
    return {"job", "instance", *metric.labels, *(["le"] if found[2] == "_bucket" else [])}


@pytest.mark.parametrize(
    "unit", ["stillwatch-watch.service", "stillwatch-scheduler.service", "stillwatch-worker@.service"]
)
def test_systemd_takes_the_unit_as_it_is(unit: str, deploy: Path, tmp_path: Path) -> None:
    text = (deploy / "systemd" / unit).read_text()
    assert "\nRestart=" in text
    assert "\nNoNewPrivileges=yes" in text
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("no systemd-analyze here")
    installed = re.sub(r"/opt/stillwatch/bin/\w+", shutil.which("true") or "/bin/true", text)
    (tmp_path / unit).write_text(installed)
    command = [verify, "verify", "--man=no", str(tmp_path / unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
