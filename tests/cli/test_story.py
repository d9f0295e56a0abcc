"""The training metadata of a model file is printed completely."""

import math

from hypothesis import given
from hypothesis import strategies as st

from charrnn.cli.info_details import PROTOCOLS, training_lines

TOLD = {
    "corpus": "macbeth.txt",
    "characters": 1_115_394,
    "train_characters": 1_003_854,
    "step": 3_251,
    "steps": 3_381,
    "epoch": 1.303,
    "seconds": 297.3,
    "val_nats": math.log(2),
    "val_window256_nats": 2 * math.log(2),
    "val_characters": 205_056,
}
VALUES = st.sampled_from([None, True, 3, -2, 10**12, 0.5, math.nan, math.inf, "some words", [1], {"batch": 2}])


def test_known_training_metadata_are_described() -> None:
    """The text, the time, and the loss by both protocols."""
    assert list(training_lines(TOLD)) == [
        ("text", "macbeth.txt · 1,115,394 characters · 1,003,854 for training"),
        ("training", "step 3,251 of 3,381 · text read 1.3 times · 4 min 57 s"),
        ("loss", "1.0000 bits per character (0.6931 nats), state carried"),
        ("", "2.0000 bits per character (1.3863 nats), state zeroed every 256 characters"),
        ("", "measured over 205,056 held-out characters"),
    ]


@given(st.dictionaries(st.sampled_from([*TOLD, "settings", "other"]), VALUES))
def test_all_training_metadata_are_shown(training: dict[str, object]) -> None:
    """A known key with a value of the expected type in words, any other as it is."""
    lines = list(training_lines(training))
    result = " ".join(f"{word} {line}" for word, line in lines)
    for name, value in training.items():
        meant = isinstance(value, type(TOLD.get(name))) and not isinstance(value, bool)
        if not meant or (isinstance(value, float) and not math.isfinite(value)):
            assert name.replace("_", " ") in result
        elif isinstance(value, str):
            assert value in result
        elif name in PROTOCOLS:
            assert PROTOCOLS[name] in result
        elif isinstance(value, int):
            assert f"{value:,}" in result
