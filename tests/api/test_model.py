"""The Python API of a trained model: typed, equal to the command line, and imported lazily."""

import itertools
import json
import subprocess
import sys
import traceback
import tracemalloc
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar, assert_type

import numpy as np
import pytest
from common import LETTERS, PACKAGE_HOME, Call, letters_model, random_model
from numpy.typing import NDArray

import charrnn
from charrnn.api.text_generator import SamplingSettings
from charrnn.generation.sampling import SamplingParams
from charrnn.inspection.measures.activations import record_cells
from charrnn.network.model_file import Model, save_model
from charrnn.storage.run_directory import RunDirectory

Step = TypeVar("Step")
QUOTED = 'he said "abc def" and then "ghi" as well\n' * 300


@pytest.fixture
def letters(tmp_path: Path) -> charrnn.TrainedModel:
    """Load the model that knows the alphabet and quotes."""
    save_model(tmp_path / "letters.safetensors", letters_model())
    return charrnn.load(tmp_path / "letters.safetensors")


def test_every_public_name_can_be_imported() -> None:
    """Each name is the same object on second access; an unknown name is an AttributeError."""
    for name in charrnn.__all__:
        assert getattr(charrnn, name) is getattr(charrnn, name)
    assert set(charrnn.__all__) <= set(dir(charrnn))
    with pytest.raises(AttributeError, match="has no attribute 'lode'"):
        _ = charrnn.lode  # type: ignore[attr-defined]


def test_importing_the_package_imports_neither_torch_nor_numpy() -> None:
    """The import is fast."""
    check = "import sys, charrnn; dir(charrnn); sys.exit(bool({'torch', 'numpy', 'rich'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", check], env={"PYTHONPATH": str(PACKAGE_HOME)}, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(
    "use", ["sample(length=3)", "samples(count=2, length=3)", "score('abab')", "heatmap('ab', '1.0')._repr_html_()"]
)
def test_using_a_model_imports_no_torch(run_here: RunDirectory, use: str) -> None:
    """Importing torch takes seconds, and a trained model does not need it."""
    check = f"import sys, charrnn; charrnn.load().{use}; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], env={"PYTHONPATH": str(PACKAGE_HOME)}, check=False)
    assert run_here.model.exists()
    assert done.returncode == 0


def test_the_package_is_typed(letters: charrnn.TrainedModel) -> None:
    """The marker file is part of the package, and the results have precise types."""
    assert (PACKAGE_HOME / "charrnn" / "py.typed").exists()
    assert_type(letters, charrnn.TrainedModel)
    assert_type(letters.sample(length=1), str)
    assert_type(letters.score("abc"), charrnn.Score)
    assert_type(letters.activations("abc").cell("1.0"), NDArray[np.float32])
    assert_type(letters.heatmap("abc", "1.0"), charrnn.Heatmap)


def test_the_newest_run_is_loaded_by_default(run_here: RunDirectory, model: Model) -> None:
    """Runs are listed in that order."""
    newer = RunDirectory(run_here.path.with_name("newer"))
    newer.path.mkdir()
    save_model(newer.model, model)
    assert charrnn.models() == [newer.path, run_here.path]
    assert charrnn.load().path == newer.model
    assert [charrnn.load(named).path for named in (run_here.path, str(run_here.path))] == [run_here.model] * 2


def test_a_missing_run_is_an_error_with_a_hint(run_here: RunDirectory) -> None:
    """A traceback shows the hint below the message."""
    with pytest.raises(charrnn.CharrnnError, match="no trained model at hamlt") as raised:
        charrnn.load("hamlt")
    assert f"hint: did you mean {run_here.path}?" in "".join(traceback.format_exception(raised.value))


def test_a_sample_is_that_of_the_command_line(run_here: RunDirectory, call: Call) -> None:
    """With the same seed and parameters."""
    options = ("-p", "ab", "-n", "40", "--seed", "3", "-t", "1.1", "--top-k", "5")
    output = json.loads(call("sample", str(run_here.path), *options, "--json").out)
    assert charrnn.load().sample("ab", length=40, temperature=1.1, top_k=5, seed=3) == output["text"]


def test_samples_are_those_of_consecutive_seeds(run_here: RunDirectory, call: Call) -> None:
    """They are equal to those of the command line, and to each sample alone."""
    model = charrnn.load(run_here.path)
    texts = model.samples("ab", count=5, length=30, temperature=1.1, stops=["a"], seed=3)
    assert texts == [model.sample("ab", length=30, temperature=1.1, stops=["a"], seed=seed) for seed in range(3, 8)]
    options = ("-p", "ab", "-n", "30", "-t", "1.1", "--stop", "a", "--seed", "3", "--count", "5")
    output = call("sample", str(run_here.path), *options, "--json").out.splitlines()
    assert texts == [json.loads(line)["text"] for line in output]
    assert len(set(model.samples(count=4, length=30))) == 4
    generators = np.random.default_rng(3), np.random.default_rng(3)
    assert model.samples(count=2, length=9, seed=generators[0]) == model.samples(
        count=2, length=9, seed=generators[1]
    )
    assert model.samples(count=0) == []


def test_the_number_of_samples_is_limited_and_costs_nothing_by_itself(letters: charrnn.TrainedModel) -> None:
    """The random generators of a million texts would take two gigabytes; each is created when its text begins."""
    for seed in (1, None):
        with pytest.raises(charrnn.WrongUsageError, match="count is 1000001: it must be a whole number ≤ 1,000,000"):
            letters.samples(count=1_000_001, length=1, seed=seed)
    tracemalloc.start()
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("charrnn.api.text_generator.generate_batch", lambda *_args, **_kwargs: iter(()))
            assert letters.samples(count=30_000, length=1, seed=1) == []
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("value", [np.array(3), np.array("ab")])
def test_an_array_without_dimensions_is_not_a_list(letters: charrnn.TrainedModel, value: Any) -> None:
    """Such an array has the methods of a list, and refuses to be iterated over."""
    uses: list[Callable[[Any], object]] = [
        letters.score_lines,
        lambda stops: letters.sample(stops=stops),
        lambda concepts: letters.find(QUOTED, concepts=concepts),
    ]
    for use in uses:
        with pytest.raises(charrnn.WrongUsageError, match="it must be a list"):
            use(value)


@pytest.mark.parametrize("use", ["sample", "samples", "stream"])
def test_an_unknown_sampling_setting_is_refused_with_a_suggestion(letters: charrnn.TrainedModel, use: str) -> None:
    """Before a character is generated, as in `charrnn.train`."""
    settings: dict[str, Any] = {"temprature": 0.5} | ({"count": 2} if use == "samples" else {})
    with pytest.raises(charrnn.WrongUsageError, match="no setting 'temprature'") as raised:
        getattr(letters, use)("abc", **settings)
    assert raised.value.hint == "did you mean temperature?"


def test_the_defaults_of_the_sampling_settings_are_those_of_the_record(letters: charrnn.TrainedModel) -> None:
    """The text is the same with all defaults written out."""
    defaults: Any = asdict(SamplingParams()) | {
        "stops": (),
        "unknown": "error",
        "clamps": None,
        "length": None,
        "new": False,
    }
    assert letters.sample("q", seed=1) == letters.sample("q", seed=1, **defaults)
    assert set(SamplingSettings.__annotations__) == {*defaults, "seed"}
    greedy: Any
    for greedy in ({"temperature": 0}, {"top_k": 1}):
        assert letters.sample("q", seed=1, **greedy) == letters.sample("q", seed=2, **greedy)


def test_clamps_are_those_of_the_command_line(run_here: RunDirectory, call: Call) -> None:
    """In samples, streams and scores."""
    model, clamps = charrnn.load(run_here.path), {"1.7": 1.0, "2.3": -0.5}
    options = ("-p", "ab", "-n", "30", "--seed", "3", "--clamp", "1.7=1", "--clamp", "2.3=-0.5")
    output = json.loads(call("sample", str(run_here.path), *options, "--json").out)
    assert (
        model.sample("ab", length=30, seed=3, clamps=clamps)
        == output["text"]
        != model.sample("ab", length=30, seed=3)
    )
    assert output["clamps"] == clamps
    assert "".join(model.stream("ab", length=30, seed=3, clamps=clamps)) == output["text"]
    assert model.samples("ab", count=1, length=30, seed=3, clamps=clamps) == [output["text"]]
    assert (
        model.score("abcdef", clamps=clamps).nats
        != model.score("abcdef").nats
        == model.score("abcdef", clamps={}).nats
    )


@pytest.mark.parametrize(
    ("clamps", "words"),
    [
        ({"1.99": 1.0}, "no cell 1.99"),
        ({"7": 1.0}, "'7' is not a cell"),
        ({"1.7": 2.0}, "'1.7'. is 2.0: it must be a number ≥ -1"),
    ],
)
def test_invalid_clamps_are_refused(letters: charrnn.TrainedModel, clamps: dict[str, float], words: str) -> None:
    """In samples and scores."""
    for use in (letters.sample, letters.score):
        with pytest.raises(charrnn.WrongUsageError, match=words):
            use("abc", clamps=clamps)


def test_a_stream_has_the_characters_of_the_sample(letters: charrnn.TrainedModel) -> None:
    """Without a length the stream is endless."""
    sampled = letters.sample("q", length=60, temperature=2, seed=np.random.default_rng(5))
    assert "".join(itertools.islice(letters.stream("q", temperature=2, seed=5), 60)) == sampled
    assert len(list(letters.stream(length=7))) == 7


def test_the_score_is_that_of_the_command_line(run_here: RunDirectory, call: Call) -> None:
    """To the last digit."""
    Path("text.txt").write_text("abc deaf\n" * 20)
    output = json.loads(call("score", str(run_here.path), "text.txt", "--json").out)
    assert charrnn.load().score("abc deaf\n" * 20).nats_per_char == output["nats_per_char"]


def test_lines_are_scored_as_on_the_command_line(run_here: RunDirectory, call: Call) -> None:
    """As a text or as separate lines; only a line feed ends a line."""
    text, model = "abc\n\ndeaf bad\rcab\nx\nfed", charrnn.load(run_here.path)
    Path("text.txt").write_text(text, newline="")
    output = [
        json.loads(line)
        for line in call("score", str(run_here.path), "text.txt", "--per-line", "--json").out.splitlines()
    ]
    scores = model.score_lines(text)
    assert [score and score.nats_per_char for score in scores] == [line["nats_per_char"] for line in output]
    assert len(scores) == 5
    assert model.score_lines(line["content"] for line in output) == scores


def test_the_surprisal_is_that_of_the_command_line(run_here: RunDirectory, call: Call) -> None:
    """The JSON is equal; a single character is refused."""
    text, model = "abc deaf\n" * 20, charrnn.load(run_here.path)
    Path("text").write_text(text)
    output = json.loads(
        call("inspect", str(run_here.path), "--surprise", "--top", "3", "--text", "text", "--json").out
    )
    assert model.surprise(text, guesses=3).to_json() == output
    with pytest.raises(charrnn.CharrnnError, match="the first is predicted by nothing"):
        model.surprise("a")


def test_next_characters_are_in_descending_order_of_probability(letters: charrnn.TrainedModel) -> None:
    """The probabilities of all characters sum to one."""
    odds = letters.next_characters("say c", most=len(LETTERS))
    assert next(iter(odds)) == letters.sample("say c", length=1, temperature=0) == "d"
    assert sum(odds.values()) == pytest.approx(1)
    assert list(odds.values()) == sorted(odds.values(), reverse=True)


def test_activations_are_those_of_each_cell(run_here: RunDirectory) -> None:
    """By the name or the indices of a cell; the record converts to an array."""
    model = charrnn.load(run_here.path)
    activations = model.activations("abcdefgh\n" * 40)
    assert (activations.axes, activations.shape) == (("characters", "layers", "units"), (360, 2, 12))
    ids = model.model.vocabulary.encode(activations.text)
    assert np.array_equal(activations.cell("2.7"), record_cells(model.reader, ids, [(2, 7)], slice(0, 360))[0])
    assert np.array_equal(activations.cell((2, 7)), np.asarray(activations)[:, 1, 7])
    assert np.asarray(activations, dtype=np.float64).dtype == np.float64
    assert activations.__array__(copy=True) is not activations.values
    assert np.asarray(activations) is activations.values


@pytest.mark.parametrize("cell", ["2.0", "1.30", "0.1", "1", "L1.3", "1.3\n", "١.٣"])
def test_a_cell_that_does_not_exist_is_refused(letters: charrnn.TrainedModel, cell: str) -> None:
    """In activations and heat maps."""
    with pytest.raises(charrnn.WrongUsageError, match="cell"):
        letters.activations("abc").cell(cell)
    with pytest.raises(charrnn.WrongUsageError, match="cell"):
        letters.heatmap("abc", cell)


def test_the_planted_cell_is_found_first(letters: charrnn.TrainedModel) -> None:
    """The findings contain the concept and the cell."""
    findings = letters.find(QUOTED, concepts=["in_quote", "line_pos"])
    best = findings.concepts[0]
    assert (best.concept, best.cell) == ("in_quote", f"1.{len(LETTERS)}")
    assert best.fit > 0.99
    assert findings.cells == len(LETTERS) + 1


def test_findings_are_those_of_the_command_line(letters: charrnn.TrainedModel, call: Call, tmp_path: Path) -> None:
    """The JSON is equal, for all settings of the search."""
    (tmp_path / "text").write_text(QUOTED * 2)
    (tmp_path / "another text").write_text('and "so" on and on\n' * 900)
    settings = ("--start", "100", "--chars", "9000", "--seed", "5", "--quick", "--signal", "h")
    texts = ("--text", str(tmp_path / "text"), "--confirm", str(tmp_path / "another text"))
    output = call("inspect", str(letters.path), *texts, *settings, "--concept", "in_quote", "--json")
    confirm = (tmp_path / "another text").read_text()
    settings_here: dict[str, Any] = {"start": 100, "chars": 9000, "seed": 5, "quick": True, "signal": "h"}
    findings = letters.find(QUOTED * 2, confirm=confirm, concepts=["in_quote"], **settings_here)
    assert json.dumps(findings.to_json()) + "\n" == output.out.replace(f"{tmp_path}/text", "text").replace(
        f"{tmp_path}/another", "another"
    )
    assert (findings.start, findings.seed, findings.quick, findings.confirmed_on) == (100, 5, True, "another text")


def test_the_progress_of_a_search_can_be_displayed(letters: charrnn.TrainedModel) -> None:
    """By the interface of tqdm: iterable, description and total."""
    calls: dict[str, list[int]] = {}

    def watch(iterable: Iterable[Step], desc: str, total: int) -> Iterator[Step]:
        calls[desc] = [0, total]
        for step in iterable:
            calls[desc][0] += 1
            yield step

    letters.find(QUOTED, concepts=["in_quote"], progress=watch)
    assert {"marking concepts", "reading", "reading with scrambled weights"} <= set(calls)
    assert all(passed == total for passed, total in calls.values())


def test_custom_concepts_are_searched_for(letters: charrnn.TrainedModel) -> None:
    """A function that marks each character, or a pattern as on the command line."""
    after_a = charrnn.concept_of("after_a", lambda text: [character == "a" for character in text], kind="binary")
    findings = {finding.concept: finding for finding in letters.find(QUOTED, concepts=[after_a, "d=/d/"]).concepts}
    assert (findings["after_a"].cell, findings["d"].cell) == (f"1.{LETTERS.index('a')}", f"1.{LETTERS.index('d')}")


def test_an_unknown_concept_is_refused_with_a_list(letters: charrnn.TrainedModel) -> None:
    """The hint lists the concepts."""
    with pytest.raises(charrnn.WrongUsageError, match="no concept 'in_quot'") as raised:
        letters.find(QUOTED, concepts=["in_quot"])
    assert "in_quote" in str(raised.value.hint)


def test_a_search_without_held_out_text_is_an_error(letters: charrnn.TrainedModel) -> None:
    """The hint asks for a text."""
    with pytest.raises(charrnn.CharrnnError, match="is not beside it") as raised:
        letters.find()
    assert raised.value.hint == "give a text"


def test_unknown_characters_are_refused_or_skipped(letters: charrnn.TrainedModel) -> None:
    """They are skipped only on request."""
    for use in (letters.sample, letters.activations, letters.find):
        with pytest.raises(charrnn.WrongUsageError, match="never saw 'É'") as raised:
            use("É")
        assert raised.value.hint == '`unknown="skip"` leaves them out'
    assert letters.activations("aÉb", unknown="skip").text == "ab"
    assert letters.sample("aÉ", length=1, temperature=0, unknown="skip") == "b"
    with pytest.raises(charrnn.WrongUsageError, match="no text"):
        letters.activations("É", unknown="skip")


def test_unknown_characters_are_read_as_the_replacement_character(tmp_path: Path) -> None:
    """Every character has its activations."""
    save_model(tmp_path / "m.safetensors", random_model("\n abc\ufffd"))
    activations = charrnn.load(tmp_path / "m.safetensors").activations("aÉb\u202e")
    assert (activations.text, activations.shape[0]) == ("aÉb\u202e", 4)


def test_a_misspelled_directory_of_runs_is_refused_with_a_suggestion(run_here: RunDirectory) -> None:
    """Only the default directory may be missing, in which case there are no models."""
    with pytest.raises(charrnn.CharrnnError, match="chekpoints is not a directory") as raised:
        charrnn.models("chekpoints")
    assert raised.value.hint == "did you mean checkpoints?"
    run_here.path.parent.rename("elsewhere")
    assert charrnn.models() == []
    assert charrnn.models("elsewhere") == [Path("elsewhere/hamlet")]


def test_names_with_control_characters_are_escaped_in_errors(run_here: RunDirectory) -> None:
    """On one line, so that a traceback cannot change the terminal."""
    with pytest.raises(charrnn.CharrnnError, match=r"^no trained model at a\\n\\x1b\[31m"):
        charrnn.load("a\n\x1b[31m")
    assert run_here.model.exists()


def test_a_string_in_place_of_a_list_of_concepts_is_refused(letters: charrnn.TrainedModel) -> None:
    """It is not split into characters."""
    with pytest.raises(
        charrnn.WrongUsageError, match="concepts is the string 'bracket_depth': it must be a list"
    ) as raised:
        letters.find(QUOTED, concepts="bracket_depth")
    assert raised.value.hint == "`concepts=['bracket_depth']`"


def test_a_kind_of_concept_that_does_not_exist_is_refused_with_those_that_do() -> None:
    """In the message itself."""
    kind: Any = "bool"
    with pytest.raises(charrnn.WrongUsageError, match="kind is 'bool': it must be 'binary', 'counter' or 'depth'"):
        charrnn.concept_of("x", len, kind=kind)


def test_a_sample_does_not_contain_the_prompt(letters: charrnn.TrainedModel) -> None:
    """Nor do samples and streams."""
    settings: dict[str, Any] = {"length": 3, "temperature": 0}
    assert letters.sample("abc", **settings) == "def"
    assert letters.samples("abc", count=1, **settings) == ["def"]
    assert "".join(letters.stream("abc", **settings)) == "def"


def test_a_heat_map_prints_as_digits(letters: charrnn.TrainedModel) -> None:
    """The built-in `print` shows digits, and marks where the concept holds."""
    printed = str(letters.heatmap('a "bc" d', f"1.{len(LETTERS)}", concept="in_quote")).splitlines()
    assert printed[0].split() == ["a", '"bc"', "d"]
    assert printed[1].strip() == "▔▔▔"
    assert printed[2].split()[1][2:5] == "888"


def test_a_heat_map_is_the_picture_of_the_command_line(
    letters: charrnn.TrainedModel, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same SVG, except for the title; the number of columns is checked."""
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text('a "bc" d\n' * 20)
    command = ("inspect", str(letters.path), "--text", "text.txt", "--cell", "1.29", "--concept", "in_quote")
    assert call(*command, "--svg", "map.svg").code == 0
    heatmap = letters.heatmap('a "bc" d\n' * 20, "1.29", concept="in_quote")
    written = Path("map.svg").read_text(encoding="utf-8")
    title = ET.fromstring(written).findtext("{http://www.w3.org/2000/svg}title")  # noqa: S314 - we made it
    assert title
    assert replace(heatmap, title=title).to_svg() == written
    assert heatmap.to_svg().startswith("<svg ")
    assert heatmap.to_svg(columns=7).count("<text") > heatmap.to_svg().count("<text")
    wrong: Any
    for wrong in (0, "80", 1000, None):
        with pytest.raises(charrnn.WrongUsageError, match="columns is"):
            heatmap.to_svg(columns=wrong)


def test_a_heat_map_needs_a_cell(letters: charrnn.TrainedModel) -> None:
    """No cell is chosen automatically."""
    with pytest.raises(charrnn.WrongUsageError, match="no cell"):
        letters.heatmap("abc")
