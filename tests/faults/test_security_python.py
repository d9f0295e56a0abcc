"""Invalid arguments of the Python interface: each is rejected immediately, with a one-line error that names it."""

from collections.abc import Callable
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from common import letters_model, random_model
from test_security_run_files import in_time

import charrnn
from charrnn.api.train import TrainSettings, validate_settings
from charrnn.arguments import path_name, plain, shown, whole_number
from charrnn.network.model_file import save_model
from charrnn.training.train_options import SETTINGS

Use = Callable[[Any], Any]

NO_NUMBERS: tuple[Any, ...] = (
    "5",
    b"5",
    None,
    [5],
    {},
    object(),
    True,
    np.True_,
    float("nan"),
    float("inf"),
    np.array([5, 6]),
    5j,
)
NO_WHOLE_NUMBERS: tuple[Any, ...] = (*NO_NUMBERS, 1.5, np.float32(1.5), -1, 10**400, 10**5000)
NO_TEXTS: tuple[Any, ...] = (5, b"the", ["the"], 1.5, True, object(), np.array(["a"]))
NO_PATHS: tuple[Any, ...] = (
    5,
    b"run",
    ["run"],
    True,
    object(),
    "a\0b",
    "\ud800",
    "x/" * 3000,
    "x" * 300,
    "x" * 100_000,
)


def values(*values: Any) -> pytest.MarkDecorator:
    """Parametrize a test with values, under identifiers that are the same in every process."""
    names = [f"{number} {type(value).__name__}" for number, value in enumerate(values)]
    return pytest.mark.parametrize("value", values, ids=names)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> charrnn.TrainedModel:
    """Return the model that knows the alphabet."""
    path = tmp_path_factory.mktemp("letters") / "letters.safetensors"
    save_model(path, letters_model())
    return charrnn.load(path)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> charrnn.TrainedModel:
    """Train a small model, with its text in the same directory."""
    at = tmp_path_factory.mktemp("run")
    (at / "book.txt").write_text("".join(f"{n} green bottles, {n * n % 97} walls (and).\n" for n in range(120)))
    settings: Any = {"steps": 2, "hidden": 8, "batch": 2, "length": 16, "threads": 1, "sample_every": 0}
    return charrnn.train(at / "book.txt", out=at / "run", **settings)


def is_refused(use: Use, *wrong: object) -> None:
    """Assert that each value is rejected quickly, with a short one-line error."""
    for value in wrong:
        with in_time(), pytest.raises(charrnn.CharrnnError) as raised:
            use(value)
        assert "\n" not in raised.value.message, shown(value)
        assert len(raised.value.message) < 500, shown(value)


WHOLE_NUMBERS: dict[str, Callable[[charrnn.TrainedModel], Use]] = {
    "length": lambda model: lambda value: model.sample("the", length=value),
    "length of a stream": lambda model: lambda value: list(islice(model.stream("the", length=value), 9)),
    "length of samples": lambda model: lambda value: model.samples("the", count=2, length=value),
    "top_k": lambda model: lambda value: model.sample("the", length=3, top_k=value),
    "count": lambda model: lambda value: model.samples("the", count=value, length=3),
    "seed": lambda model: lambda value: model.sample("the", length=3, seed=value),
    "seed of samples": lambda model: lambda value: model.samples("the", count=2, length=3, seed=value),
    "most": lambda model: lambda value: model.next_characters("the", most=value),
    "guesses": lambda model: lambda value: model.surprise("the", guesses=value),
    "rank": lambda model: lambda value: model.surprise("the").top_k_accuracy(value),
    "count of shocks": lambda model: lambda value: model.surprise("the").most_surprising(value),
    "chars": lambda model: lambda value: model.find("the " * 2000, chars=value, quick=True, concepts=["in_quote"]),
    "start": lambda model: lambda value: model.find("the " * 2000, start=value, quick=True, concepts=["in_quote"]),
    "seed of a search": lambda model: lambda value: model.find("the " * 2000, seed=value, concepts=["in_quote"]),
    "layer": lambda model: lambda value: model.activations("the").cell((value, 3)),
    "unit": lambda model: lambda value: model.activations("the").cell((1, value)),
}
OPTIONAL = ("length", "length of a stream", "length of samples", "seed", "seed of samples")
"""arguments for which None is valid"""
SLOW = ("chars", "start", "seed of a search")
"""arguments of a search, which a valid value would start"""


@pytest.mark.parametrize("name", WHOLE_NUMBERS)
def test_values_that_are_not_integers_are_refused(model: charrnn.TrainedModel, name: str) -> None:
    """Other types, fractions, negative and infinite numbers."""
    use = WHOLE_NUMBERS[name](model)
    is_refused(use, *(value for value in NO_WHOLE_NUMBERS if value is not None or name not in OPTIONAL))


@pytest.mark.parametrize("name", [name for name in WHOLE_NUMBERS if name not in SLOW])
def test_numpy_scalars_are_numbers(model: charrnn.TrainedModel, name: str) -> None:
    """Of any width."""
    use = WHOLE_NUMBERS[name](model)
    for kind in (np.int64, np.uint8, np.array):
        assert type(use(kind(1))) is type(use(1))


def test_numpy_and_python_seeds_generate_the_same_text(model: charrnn.TrainedModel) -> None:
    """One text, or several texts with consecutive seeds."""
    seed: Any = np.uint8(255)
    wild: dict[str, Any] = {"length": 9, "temperature": 2}
    assert model.samples("a", count=3, seed=seed, **wild) == model.samples("a", count=3, seed=255, **wild)
    assert model.sample("a", seed=seed, **wild) == model.sample("a", seed=255, **wild)


@pytest.mark.parametrize("name", ["temperature", "top_p", "min_p"])
def test_sampling_parameters_that_are_not_numbers_are_refused(model: charrnn.TrainedModel, name: str) -> None:
    """Numbers out of bounds are rejected, too; fractions are accepted as numbers."""
    is_refused(lambda value: model.sample("the", length=3, **{name: value}), *NO_NUMBERS, -0.1, 10**400, Fraction(-1))
    numbers: tuple[Any, ...] = (1, np.float32(0.5), np.int8(1), np.array(0.5), Fraction(1, 2))
    for number in numbers:
        model.sample("the", length=3, **{name: number})


@values(*NO_NUMBERS, 1.1, -1.1, 10**400)
def test_a_cell_is_clamped_at_a_number(model: charrnn.TrainedModel, value: Any) -> None:
    """From -1 to 1, in every method; cells are given by their ids."""
    uses: list[Use] = [
        lambda clamps: model.sample("the", length=3, clamps=clamps),
        lambda clamps: model.score("the", clamps=clamps),
    ]
    for use in uses:
        is_refused(use, {"1.7": value}, {value: 1.0} if isinstance(value, float | str | bool) else {1.7: 1.0})
        is_refused(use, "1.7", [("1.7", 1.0)], 5, {"x" * 10**6: 1.0})


TEXTS: dict[str, Callable[[charrnn.TrainedModel], Use]] = {
    "sample": lambda model: lambda value: model.sample(value, length=3),
    "samples": lambda model: lambda value: model.samples(value, count=2, length=3),
    "stream": lambda model: lambda value: model.stream(value, length=3),
    "next_characters": lambda model: model.next_characters,
    "score": lambda model: model.score,
    "score_lines": lambda model: lambda value: model.score_lines([value]),
    "surprise": lambda model: model.surprise,
    "activations": lambda model: model.activations,
    "heatmap": lambda model: lambda value: model.heatmap(value, "1.0"),
    "cell of a heatmap": lambda model: lambda value: model.heatmap("the", value),
    "cell": lambda model: model.activations("the").cell,
    "find": lambda model: model.find,
    "confirm": lambda model: (
        lambda value: model.find("the " * 2000, confirm=value, concepts=["in_quote"], quick=True)
    ),
    "concepts": lambda model: lambda value: model.find("the " * 2000, concepts=[value], quick=True),
    "concept": lambda model: lambda value: model.heatmap("the", "1.0", concept=value),
    "signal": lambda model: lambda value: model.find("the " * 2000, signal=value, concepts=["in_quote"]),
    "stops": lambda model: lambda value: model.sample("the", length=3, stops=[value]),
    "unknown": lambda model: lambda value: model.sample("the", length=3, unknown=value),
}


@pytest.mark.parametrize("name", TEXTS)
def test_values_that_are_not_strings_are_refused(model: charrnn.TrainedModel, name: str) -> None:
    """They are not converted to strings."""
    is_refused(TEXTS[name](model), *NO_TEXTS)


@pytest.mark.parametrize("text", ["\0", "\ud800", "a\udfffb", "É" * 10**5], ids=shown)
def test_the_error_for_unknown_characters_is_one_line(model: charrnn.TrainedModel, text: str) -> None:
    """Also for surrogates, and for many characters."""
    is_refused(lambda value: model.sample(value, length=3), text)
    is_refused(model.activations, text)
    assert model.score("abc" + text).unknown >= 1
    assert model.sample("a" + text, length=1, temperature=0, unknown="skip") in "bc"


def test_a_single_string_is_not_a_list_of_strings(model: charrnn.TrainedModel) -> None:
    """It would be split into characters."""
    is_refused(lambda value: model.sample("the", length=3, stops=value), "the", 5, None)
    is_refused(lambda value: model.find("the " * 2000, concepts=value), "in_quote", 5)
    is_refused(model.score_lines, 5, None, [None])


def test_quick_and_unknown_have_valid_values(model: charrnn.TrainedModel) -> None:
    """A string is not a boolean."""
    is_refused(lambda value: model.find("the " * 2000, concepts=["in_quote"], quick=value), "no", 1, None)
    is_refused(lambda value: model.sample("the", length=3, unknown=value), "ignore", None)


@values(*NO_WHOLE_NUMBERS, 0)
def test_held_out_text_is_never_training_text(run: charrnn.TrainedModel, value: Any) -> None:
    """For any start and length."""
    is_refused(run.held_out, value)
    if type(value) is not int or value != 0:
        is_refused(lambda start: run.held_out(10, start=start), value)
        is_refused(lambda start: run.find(start=start), value)


def test_held_out_text_begins_at_the_given_start(run: charrnn.TrainedModel) -> None:
    """NumPy integers do not overflow, and the text ends at its end."""
    length, start, narrow = np.uint8(200), np.uint8(250), np.int8(100)
    wanted: Any = {"characters": length, "start": start}
    assert run.held_out(**wanted) == run.held_out(200, start=250) != ""
    assert run.held_out(**{**wanted, "start": narrow}) == run.held_out(200, start=100)
    assert run.held_out(10, start=10**12) == ""


@values(*NO_PATHS)
def test_invalid_paths_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: Any) -> None:
    """By every function with a path, and no file is created."""
    monkeypatch.chdir(tmp_path)
    Path("book.txt").write_text("abc\n" * 99)
    is_refused(charrnn.load, value)
    is_refused(charrnn.train, value)
    is_refused(lambda text: next(charrnn.training_events(text)), value)
    for name in ("out", "from_"):
        settings: dict[str, Any] = {"steps": 1, "hidden": 8, name: value}
        is_refused(lambda settings: charrnn.train("book.txt", **settings), settings)
    is_refused(charrnn.models, value)
    assert [path.name for path in tmp_path.iterdir()] == ["book.txt"]


def test_a_path_may_be_a_string_or_any_path_object(tmp_path: Path) -> None:
    """Its bytes need not be valid text."""
    save_model(tmp_path / "a\udce9.safetensors", random_model())
    for named in (tmp_path / "a\udce9.safetensors", str(tmp_path / "a\udce9.safetensors")):
        assert charrnn.load(named).path.exists()
    assert path_name(Path("a"), "x") == "a"


@pytest.mark.parametrize("name", TrainSettings.__annotations__)
def test_each_setting_of_a_training_is_checked(name: str) -> None:
    """Its type and its bounds, which are those of the command line; None is the default."""
    wrong = [object(), [5], {}, 5j, b"x", np.array([5, 6])]
    kind = SETTINGS[name.rstrip("_")].kind
    wrong += [-1, 10**400, 10**5000, float("nan"), float("inf"), "5", True] if kind in (int, float) else []
    wrong += [1.5, np.float64(2)] if kind is int else []
    wrong += [5, "x" * 1000] if SETTINGS[name.rstrip("_")].choices else []
    wrong += [5] if name == "encoding" else ["yes", 1, 0] if name == "new" else []
    is_refused(lambda value: validate_settings({name: value}), *wrong)
    assert validate_settings({name: None}) == validate_settings({})


def test_settings_may_be_numpy_scalars() -> None:
    """They are converted to Python numbers, which a settings file can contain."""
    options = validate_settings(
        {"steps": np.int64(5), "hidden": np.uint8(9), "lr": np.float32(0.5), "minutes": None, "new": np.True_}
    )
    assert [type(getattr(options, name)) for name in ("steps", "hidden", "lr", "new")] == [int, int, float, bool]


def test_a_corpus_is_a_single_path() -> None:
    """A list of texts is refused."""
    is_refused(charrnn.train, ["a.txt", "b.txt"], None, 5, "")


def test_the_arguments_of_a_concept_are_checked() -> None:
    """A name, a function and a kind."""
    function = len
    good: dict[str, Any] = {"name": "x", "function": function, "kind": "binary", "description": ""}
    for name, wrong in {
        "name": (5, None, "", b"x"),
        "function": (5, None, "len"),
        "kind": ("number", 5, None, ["binary"]),
        "description": (5, None),
    }.items():
        is_refused(lambda settings: charrnn.concept_of(**settings), *(good | {name: value} for value in wrong))


@values(float("nan"), "1", None, 10**30, 1.5, -1, 2)
def test_a_concept_function_that_does_not_return_numbers_is_an_error(value: Any) -> None:
    """The error names the concept; the value is not converted."""
    from charrnn.inspection.concepts import ParsedText

    concept = charrnn.concept_of("odd", lambda text: [value] * len(text), kind="binary")
    with pytest.raises(charrnn.WrongUsageError, match="the concept 'odd' returned"):
        concept.mark(ParsedText.of("abc"))


def test_length_bounds_are_exact(model: charrnn.TrainedModel) -> None:
    """The bounds in the message are those that are checked."""
    assert whole_number(np.int8(3), "x", low=3, high=3) == 3
    assert type(plain(np.float64(3))) is float
    assert len(model.sample("the", length=7, seed=np.int64(0))) == 7  # type: ignore[arg-type]
