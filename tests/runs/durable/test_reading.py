from __future__ import annotations

from pathlib import Path

import pytest

from qupel.errors import InputError
from qupel.runs.durable.pipeline import Pipeline
from qupel.runs.durable.reading import PipelineFileError, read_pipeline

SOUND = """\
pipeline: cuts
seed: 4
stages:
  graph: {kind: load, file: g.txt, family: maxcut}
  cut:
    kind: solve
    needs: {problem: graph}
    solver: tabu
    seconds: 2
  verdict:
    kind: judge
    needs: {problem: graph, answer: cut}
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    return path


def test_a_file_gives_its_pipeline(tmp_path: Path) -> None:
    pipeline = read_pipeline(written(tmp_path, SOUND))
    assert (pipeline.name, pipeline.seed) == ("cuts", 4)
    assert [stage.name for stage in pipeline.in_order()] == ["graph", "cut", "verdict"]
    assert pipeline.stage("cut").settings == {"solver": "tabu", "seconds": 2}
    assert Pipeline.from_document(pipeline.document()).hash() == pipeline.hash()


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ("kind: judge", "kind: juge", 11, "did you mean 'judge'?"),
        ("seconds: 2", "second: 2", 9, "did you mean 'seconds'?"),
        ("seconds: 2", "seconds: soon", 9, "got 'soon'"),
        ("answer: cut", "answer: cuts", 12, "did you mean 'cut'?"),
        ("answer: cut", "answer: graph", 12, "wants answer"),
        ("seed: 4", "sed: 4", 2, "did you mean 'seed'?"),
        ("seed: 4", "seed: -4", 2, "whole number from 0"),
        ("  verdict:", "  ver.dict:", 10, "has no dot"),
        ("seconds: 2", "rounds: 0", 9, "must be at least 1"),
        ("solver: tabu", "solver: {solver: tabu, tenur: 3}", 8, "did you mean 'tenure'?"),
        ("pipeline: cuts", "pipeline: a b", 1, "letters, digits"),
        ("solver: tabu", "solver: [", 10, "YAML"),
        ("needs: {problem: graph}", "needs: graph", 7, "must be a mapping"),
        ("solver: tabu", "solver: qaoa", 5, "quantum"),
    ],
)
def test_a_fault_is_told_with_its_line(
    tmp_path: Path, before: str, after: str, line: int, said: str
) -> None:
    with pytest.raises(PipelineFileError) as caught:
        read_pipeline(written(tmp_path, SOUND.replace(before, after)))
    assert f"line {line}: " in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["", "- 1", "stages: 3", "pipeline: x\nstages: {a: 3}"])
def test_what_is_no_pipeline_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(PipelineFileError, match="must be a"):
        read_pipeline(written(tmp_path, text))


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_pipeline(tmp_path / "none.yaml")
