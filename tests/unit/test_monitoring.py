"""Prometheus' rules, Grafana's dashboards and their provisioning: whole, readable, and fitting together."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from tests.fixtures.monitoring import DASHBOARDS, OPS, ROOT, Query, dashboard, queries, rules

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
UNITS = {"short", "s", "bytes", "percentunit", "reqps", "ops", "currencyUSD", "dateTimeFromNow"}
ALERTS = {rule["alert"]: rule for rule in rules()}


def mounts(part: str) -> dict[str, Path]:
    """Return the files and folders of the project in a container, by their paths there."""
    volumes = [volume.split(":") for volume in COMPOSE["services"][part]["volumes"] if volume.startswith("./")]
    return {there: ROOT / here for here, there, mode in volumes if mode == "ro"}


def promtool(*arguments: str | Path) -> str:
    """Return what promtool says; skip where it is not installed, which CI does not allow."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed: scripts/install_test_servers.sh")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_promtool_accepts_configuration_and_rules() -> None:
    assert f"{len(rules())} rules found" in promtool("check", "config", OPS / "prometheus.yml")


def test_alerts_fire_when_they_should_and_not_before() -> None:
    assert "SUCCESS" in promtool("test", "rules", OPS / "alerts_test.yml")


def test_every_alert_has_a_test() -> None:
    tests = yaml.safe_load((OPS / "alerts_test.yml").read_text())["tests"]
    fired = {case["alertname"] for test in tests for case in test["alert_rule_test"] if case.get("exp_alerts")}
    assert fired == ALERTS.keys()


def test_promtool_accepts_every_query_of_the_dashboards(tmp_path: Path) -> None:
    records = [{"record": f"query_{number}", "expr": query.plain} for number, query in enumerate(queries())]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": records}]}))
    assert f"{len(records)} rules found" in promtool("check", "rules", file)


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_every_alert_says_what_is_wrong_and_has_a_runbook(name: str) -> None:
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook"}
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^### (\w+)$", (ROOT / page).read_text(), flags=re.MULTILINE)
    assert anchor == name.lower()
    assert name in headings


def test_every_runbook_is_of_an_alert() -> None:
    section = (ROOT / "docs/monitoring.md").read_text().partition("## Runbooks")[2].partition("\n## ")[0]
    assert set(re.findall(r"^### (\w+)$", section, flags=re.MULTILINE)) == ALERTS.keys()


@pytest.mark.parametrize(
    ("alert", "severity", "threshold"),
    [
        ("SlowAnswers", "warning", "> 3"),
        ("RequestErrors", "critical", "> 0.05"),
        ("LlmFailing", "warning", "> 0.5"),
        ("CacheHitsLow", "warning", "< 0.4"),
        ("SocketErrors", "warning", "> 10"),
        ("MongoDbFailing", "critical", "> 0"),
        ("CycleSlow", "warning", "> 240"),
    ],
)
def test_thresholds_are_those_that_operators_agreed_on(alert: str, severity: str, threshold: str) -> None:
    assert ALERTS[alert]["labels"]["severity"] == severity
    assert threshold in ALERTS[alert]["expr"]


def test_there_is_a_dashboard_of_each_kind() -> None:
    found = [dashboard(path) for path in DASHBOARDS]
    assert [path.stem for path in DASHBOARDS] == ["analysis", "api", "ledger", "system"]
    assert [board["uid"] for board in found] == [f"trading-ai-{path.stem}" for path in DASHBOARDS]
    assert len({board["title"] for board in found}) == len(found)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboard_asks_the_data_source_that_its_variable_names(path: Path) -> None:
    board = dashboard(path)
    (variable,) = board["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", "prometheus")
    asked = list(sources_of(board))
    assert len(asked) > len(board["panels"])
    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in asked)


def sources_of(part: Any) -> Iterator[Any]:
    """Yield the data source of every part of a dashboard that asks one."""
    if isinstance(part, dict):
        yield from (part[name] for name in part if name == "datasource")
    for below in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from sources_of(below)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_panel_is_described_has_a_unit_and_stands_in_a_row(path: Path) -> None:
    panels = dashboard(path)["panels"]
    assert panels[0]["type"] == "row"
    shown = [panel for panel in panels if panel["type"] != "row"]
    assert 8 <= len(shown) <= 24
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in shown:
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        assert panel["targets"]


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_no_two_panels_overlap_or_leave_the_page(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard(path)["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_alert_that_a_panel_names_is_there(path: Path) -> None:
    named = {
        name
        for panel in dashboard(path)["panels"]
        if (said := re.search(r"Alerts? ((?:\w+(?: and )?)+)", panel.get("description", "")))
        for name in said[1].split(" and ")
    }
    assert named <= ALERTS.keys()


def test_labels_of_queries_are_read_as_prometheus_reads_them() -> None:
    query = Query(
        "test", 'sum by (le, route) (rate(a_bucket{b=~"c|d", e!="f"}[5m])) / ignoring(x) group_left g_total > 3'
    )
    assert [(found.metric, found.matchers) for found in query.selectors] == [
        ("a_bucket", (("b", "=~", "c|d"), ("e", "!=", "f"))),
        ("g_total", ()),
    ]
    assert query.groups == {"le", "route", "x"}


def test_grafana_is_given_the_data_source_and_the_dashboards() -> None:
    grafana = mounts("grafana")
    provisioning = grafana["/etc/grafana/provisioning"]
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())["datasources"]
    assert (source["type"], source["url"], source["isDefault"]) == ("prometheus", "http://prometheus:9090", True)
    (provider,) = yaml.safe_load((provisioning / "dashboards/trading-ai.yml").read_text())["providers"]
    assert grafana[provider["options"]["path"]] == DASHBOARDS[0].parent
    home = PurePosixPath(COMPOSE["services"]["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (grafana[str(home.parent)] / home.name).is_file()


def test_prometheus_is_given_its_configuration_and_every_file_that_this_names() -> None:
    prometheus = mounts("prometheus")
    config = "/etc/prometheus/prometheus.yml"
    assert f"--config.file={config}" in COMPOSE["services"]["prometheus"]["command"]
    for file in yaml.safe_load(prometheus[config].read_text())["rule_files"]:
        assert prometheus[f"/etc/prometheus/{file}"] == OPS / file


def test_prometheus_asks_the_ports_on_which_the_parts_give_their_metrics() -> None:
    jobs = yaml.safe_load((OPS / "prometheus.yml").read_text())["scrape_configs"]
    asked = {name: found["port"] for job in jobs for found in job["dns_sd_configs"] for name in found["names"]}
    assert asked.keys() <= COMPOSE["services"].keys()
    *_, worker_port = COMPOSE["services"]["worker"]["command"]
    assert asked == {"service": 8000, "api": 8000, "worker": int(worker_port)}
    assert "ENV PATH=/app/.venv/bin:$PATH HOST=0.0.0.0 PORT=8000" in (ROOT / "Dockerfile").read_text()
