"""Settings files: parsed strictly, and written so that reading returns equal values."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import WrongUsageError
from charrnn.storage.settings_file import MAX_BYTES, Value, format_settings, parse_settings, read_settings

KNOWN = ("corpus", "lr", "hidden", "cell", "minutes", "encoding")

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values: st.SearchStrategy[Value] = scalars | st.lists(scalars)


def error_of(text: str | bytes) -> WrongUsageError:
    """Return the error for an invalid settings file."""
    with pytest.raises(WrongUsageError) as caught:
        parse_settings(text, "my.yaml", KNOWN)
    return caught.value


@given(st.dictionaries(st.sampled_from(KNOWN), st.tuples(values, st.text())))
def test_written_values_are_read_unchanged(settings: dict[str, tuple[Value, str]]) -> None:
    """Every value keeps its type, whatever text it or its origin contains."""
    plain = {name: value for name, (value, _) in settings.items()}
    back = parse_settings(format_settings(settings), "my.yaml", KNOWN)
    assert back == plain
    assert repr(back) == repr({name: plain[name] for name in back})


@given(st.text())
def test_other_yaml_parsers_read_the_same_values(text: str) -> None:
    """The safe loader of PyYAML agrees."""
    assert yaml.safe_load(format_settings({"corpus": (f"x{text}", "here")})) == {"corpus": f"x{text}"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 100000.0),
        (".5", 0.5),
        ("-2.", -2.0),
        ("010", 10),
        ("1_000", 1000),
        ("1:30", "1:30"),
        ("no", "no"),
        ("True", True),
        ("", None),
        ("~", None),
        ("2024-01-01", "2024-01-01"),
        ("'12'", "12"),
        ('"\\x41"', "A"),
        ("e5", "e5"),
        (".", "."),
        ("[~]", [None]),
        ("[1, b]", [1, "b"]),
        ("a # comment", "a"),
    ],
)
def test_plain_values_follow_yaml_1_2(text: str, value: Value) -> None:
    """1e-3 is a number and `no` a string, unlike in YAML 1.1."""
    assert parse_settings(f"lr: {text}", "my.yaml", KNOWN) == {"lr": value}


@pytest.mark.parametrize("text", ["", "# nothing\n", "--- {}\n", "{}"])
def test_an_empty_file_has_no_settings(text: str) -> None:
    """It is a valid settings file."""
    assert parse_settings(text, "my.yaml", KNOWN) == {}


@pytest.mark.fault("F25")
def test_a_syntax_error_has_line_and_column() -> None:
    """As an editor counts them."""
    assert error_of("lr: 1\nhidden: [1\ncell: x\n").message.startswith("my.yaml line 3, column ")


@pytest.mark.fault("F26")
def test_the_error_for_an_unknown_setting_suggests_a_name() -> None:
    """Without a similar name it lists all settings."""
    error = error_of("lr: 1\nhiden: 3\n")
    assert (error.message, error.hint) == ("my.yaml line 2: unknown setting 'hiden'", "did you mean 'hidden'?")
    assert "minutes" in str(error_of("zzz: 1").hint)


@pytest.mark.fault("F27")
def test_a_setting_given_twice_is_named_with_both_lines() -> None:
    """The last one does not win silently."""
    assert error_of("corpus: a\nlr: 1\n\nlr: 2\n").message == "my.yaml: 'lr' is given twice (lines 2 and 4)"


@pytest.mark.fault("F28")
@pytest.mark.parametrize(
    "text",
    [
        "lr: 1\nhidden: !!python/object/apply:os.system ['touch canary']\n",
        "lr: 1\n!!python/name:os.system x: 1\n",
        "lr: 1\nhidden: !!int '3'\n",
        "lr: 1\nhidden: &a 3\n",
        "lr: 1\nhidden: *a\n",
        "lr: 1\nhidden: {a: 1}\n",
        "lr: 1\nhidden: [[1]]\n",
        "lr: 1\n[a, b]: 1\n",
        "lr: 1\n---\nhidden: 2\n",
        "lr: 1\n<<: {hidden: 2}\n",
        "\n- lr: 1\n",
        "\nlr",
        "\n!!map {}\n",
    ],
)
def test_anything_but_a_flat_mapping_is_refused(text: str) -> None:
    """For tags, anchors, aliases, nesting and other documents the error names the line, and no code runs."""
    assert error_of(text).message.startswith("my.yaml line 2: ")
    assert not Path("canary").exists()


@pytest.mark.parametrize("content", [b"lr: \xff", b"lr: \x00", "lr: \x1b[31m"])
def test_invalid_text_is_refused(content: bytes | str) -> None:
    """Other encodings and control characters."""
    assert "my.yaml is not text" in error_of(content).message


@pytest.mark.fault("F28")
def test_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    """Settings take a page at most."""
    (tmp_path / "big.yaml").write_text("a" * (MAX_BYTES + 1))
    with pytest.raises(WrongUsageError, match="larger than 1,000,000 bytes"):
        read_settings(tmp_path / "big.yaml", KNOWN)


def test_a_file_is_read_from_its_path(tmp_path: Path) -> None:
    """The error for a missing file has the reason of the system."""
    (tmp_path / "my.yaml").write_text("lr: 2e-3\n")
    assert read_settings(tmp_path / "my.yaml", KNOWN) == {"lr": 0.002}
    with pytest.raises(WrongUsageError, match=r"none\.yaml: no such file"):
        read_settings(tmp_path / "none.yaml", KNOWN)


def test_every_value_is_written_with_its_origin() -> None:
    """A comment shows where each value comes from."""
    text = format_settings({"lr": (1e-5, "default"), "cell": ("lstm", "command line"), "hidden": (None, "my\nfile")})
    assert text == "lr: 1e-05  # default\ncell: lstm  # command line\nhidden: null  # my\\nfile\n"
