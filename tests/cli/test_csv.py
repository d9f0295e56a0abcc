"""CSV of metrics and findings for spreadsheets and data frames."""

import csv
import io
import json
from typing import Any

import pytest
from common import Call
from planted_networks import some_text

from charrnn.cli.csv_output import write_csv
from charrnn.storage.run_directory import RunDirectory

METRICS: list[dict[str, Any]] = [
    {"event": "ngram", "step": 0, "order": 3, "nats_by_order": [1.9, 1.7]},
    {"event": "report", "step": 10, "nats": 3.0},
    {"event": "evaluation", "step": 20, "nats": float("nan"), "note": 'a "b", \x1b[31m\nc'},
]


def parsed(text: str) -> list[dict[str, str]]:
    """Return the rows of a CSV table."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_metrics_of_several_runs_are_one_table(call: Call, run_here: RunDirectory) -> None:
    """With the run in the first column; values that a line lacks, lists and NaN are empty; control characters go."""
    run_here.metrics.write_text("".join(json.dumps(line) + "\n" for line in METRICS))
    run = str(run_here.path)
    result = call("info", run, run, "--csv")
    rows = parsed(result.out)
    assert list(rows[0]) == ["run", "event", "step", "order", "nats", "note"]
    assert rows[:3] == rows[3:]
    assert [(row["event"], row["step"], row["order"], row["nats"]) for row in rows[:3]] == [
        ("ngram", "0", "3", ""),
        ("report", "10", "", "3.0"),
        ("evaluation", "20", "", ""),
    ]
    assert rows[2]["note"].startswith('a "b", ')
    assert "\x1b" not in result.out


def test_a_run_without_metrics_is_an_error(call: Call, run_here: RunDirectory) -> None:
    """Such as a model file alone."""
    run_here.metrics.unlink(missing_ok=True)
    result = call("info", str(run_here.path), "--csv")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: there are no metrics")


def test_findings_have_the_values_of_the_json(call: Call, run_here: RunDirectory) -> None:
    """One row per concept, in the same order."""
    (run_here.path / "text.txt").write_text(some_text())
    command = ("inspect", str(run_here.path), "--text", str(run_here.path / "text.txt"), "--quick")
    findings = json.loads(call(*command, "--json").out)["concepts"]
    rows = parsed(call(*command, "--csv").out)
    assert [row["concept"] for row in rows] == [finding["concept"] for finding in findings]
    assert [row["fit"] for row in rows] == [str(finding.get("fit", "")) for finding in findings]
    assert [row["verdict"] for row in rows] == [finding["verdict"] for finding in findings]


@pytest.mark.parametrize("other", ["--json", "--memory", "--cell=1.0", "--list-concepts"])
def test_only_a_search_has_csv(other: str, call: Call, run_here: RunDirectory) -> None:
    """Other views have JSON or arrays."""
    result = call("inspect", str(run_here.path), "--csv", other)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: --csv writes the findings of a search")


def test_lines_end_as_rfc_4180_says(capsys: pytest.CaptureFixture[str]) -> None:
    """With CR and LF, and quotes around a cell with a comma."""
    write_csv([{"a": "x,y", "b": ["1.0", "1.1"]}, {"c": True}])
    assert capsys.readouterr().out == 'a,b,c\r\n"x,y",1.0 1.1,\r\n,,True\r\n'
