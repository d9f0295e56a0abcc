"""Colored writing: each character has the color or the digit that a heat map gives it."""

import math

import numpy as np
import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.views import colors
from charrnn.views.colored_writing import ColoredWriting
from charrnn.views.layout import wrap_text
from charrnn.views.value_scale import MAX_BITS, ActivationScale, SurprisalScale, ValueScale

ACTIVATION = ActivationScale(label="h of 1.3")
HOSTILE = "a\x1b[31m\x07\x9b\u202e\u200d\ud800日本e\u0301\tb\n\x7f"


def written(text: str, values: list[float], *, color_system: str | None, scale: ValueScale = ACTIVATION) -> str:
    """Return what is written to a terminal of 12 columns."""
    pieces: list[str] = []
    writing = ColoredWriting(
        scale, color_system=color_system, light=False, unicode=True, columns=lambda: 12, emit=pieces.append
    )
    for character, value in zip(text, values, strict=True):
        writing.write(character, value)
    writing.finish()
    return "".join(pieces)


def on_screen(output: str) -> pyte.Screen:
    """Return the screen of a terminal after some output."""
    screen = pyte.Screen(12, 20)
    pyte.Stream(screen).feed(output.replace("\n", "\r\n"))
    return screen


@given(st.floats(-2, 2, width=32))
def test_levels_and_digits_of_activations_are_those_of_heat_maps(value: float) -> None:
    """Also beyond the ends of the scale."""
    array = np.array([value])
    assert ACTIVATION.level(value) == colors.quantize(array)[0] + colors.MAX_LEVEL
    assert ACTIVATION.digit(value) == colors.digits(array)[0]


@given(st.floats(0, 30, width=32))
def test_levels_of_surprisal_are_those_of_surprisal_maps(bits: float) -> None:
    """The digit is the level."""
    level = colors.quantize_sequential(np.array([bits]), MAX_BITS)[0]
    assert SurprisalScale().level(bits) == SurprisalScale().digit(bits) == level


@pytest.mark.parametrize("scale", [ACTIVATION, SurprisalScale()])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_have_a_level(scale: ValueScale, value: float) -> None:
    """A damaged model does not end the writing."""
    assert 0 <= scale.level(value) < len(scale.styles("256", light=False))
    assert 0 <= scale.digit(value) <= 9


@pytest.mark.parametrize("color_system", ["truecolor", "256", "standard"])
def test_each_character_has_the_background_of_its_value(color_system: str) -> None:
    """In every color system, and the background does not extend beyond the character."""
    values = [-1.0, -0.2, 0.0, 0.2, 1.0]
    screen = on_screen(written("abcde", values, color_system=color_system))
    backgrounds = [screen.buffer[0][column].bg for column in range(7)]
    assert screen.display[0].rstrip() == "abcde"
    assert backgrounds[2] == backgrounds[5] == backgrounds[6] == "default"
    assert len({*backgrounds[:2], *backgrounds[3:5]}) == 4


def test_without_color_digits_stand_below_each_line() -> None:
    """Lines are as wide as the terminal; a wide character has its digit twice."""
    output = written("日本" + "abc" * 4 + "\nd", [-1.0, 1.0, *[0.0] * 12, 0.5, 1.0], color_system=None)
    assert output.splitlines() == ["日本abcabcab", "009955555555", "cabc¶", "55557", "d", "9"]


@pytest.mark.parametrize("color_system", [None, "256"])
def test_hostile_characters_are_sanitized(color_system: str | None) -> None:
    """The glyphs are those of the heat maps; only color sequences and newlines reach the terminal."""
    output = written(HOSTILE, [0.0] * len(HOSTILE), color_system=color_system)
    assert all(character.isprintable() or character == "\n" for character in output)
    glyphs = "".join("".join(line.glyphs) for line in wrap_text(HOSTILE, 12))
    assert "".join(line for line in output.splitlines() if not line.isdigit()) == glyphs


def test_text_without_values_is_dim_or_has_no_digits() -> None:
    """It shares its line with the text that follows it."""
    for color_system, expected in (
        (None, "ab¶\ncd\n 9\n"),
        ("256", "\x1b[2ma\x1b[0m\x1b[2mb\x1b[0m\x1b[2m¶\x1b[0m\n"),
    ):
        pieces: list[str] = []
        writing = ColoredWriting(
            ACTIVATION, color_system=color_system, light=False, unicode=True, columns=lambda: 12, emit=pieces.append
        )
        writing.write_plain("ab\nc")
        writing.write("d", 1.0)
        writing.finish()
        assert "".join(pieces).startswith(expected)


def test_a_new_line_has_the_present_width_of_the_terminal() -> None:
    """A resized terminal does not break lines twice."""
    pieces: list[str] = []
    widths = iter([4, 6, 6])
    writing = ColoredWriting(
        ACTIVATION, color_system=None, light=False, unicode=True, columns=lambda: next(widths), emit=pieces.append
    )
    for character in "abcdefghijkl":
        writing.write(character, 0.0)
    writing.finish()
    assert "".join(pieces).splitlines() == ["abcd", "5555", "efghij", "555555", "kl", "55"]
