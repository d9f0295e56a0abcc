"""Recognition of the parts outside the recurrent layers: the embedding, the output matrix and the output bias.

All tensors must be used, so few assignments are possible. A tensor that is both the embedding and the output matrix
is stored once, under either name.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from charrnn.errors import CharrnnError
from charrnn.network.part_names import MAP_HINT, ImportRequest, ambiguous, listed, shown
from charrnn.network.weight_layouts import Shape, output_shapes

EMBEDDING_NAMES = re.compile(r"emb|encoder|lookup|wte|gather", re.IGNORECASE)
OUTPUT_NAMES = re.compile(r"out|fc|dense|linear|decoder|head|proj|logit|matmul|gemm|softmax", re.IGNORECASE)
"""usual names of an embedding and of an output layer, which decide between tensors of the same shape"""


@dataclass(frozen=True, kw_only=True)
class Ends:
    """The names of the tensors outside the recurrent layers."""

    embedding: str | None
    """None: one-hot"""
    output: str
    """the same tensor as the embedding if both are tied"""
    transposed: bool
    """whether the output matrix is (H, V)"""
    bias: str | None
    """None: zero"""

    @property
    def name_score(self) -> int:
        """Number of usual names in their places, less those in other places."""
        embedding, score = self.embedding or "", 0
        if self.embedding is not None:
            score += bool(EMBEDDING_NAMES.search(embedding)) - bool(OUTPUT_NAMES.search(embedding))
        return score + bool(OUTPUT_NAMES.search(self.output)) - bool(EMBEDDING_NAMES.search(self.output))


def find_ends(request: ImportRequest, rest: Sequence[str], hidden: int, width: int) -> Ends:
    """Return the embedding and the output among the rest of the tensors.

    The recurrent layers have `hidden` units, and the lowest has `width` inputs. Raise CharrnnError if nothing fits,
    or several assignments do.
    """
    ends = possible_ends(request, rest, hidden, width, request.vocabulary_size)
    if not ends:
        raise _misfit(request, rest, hidden, width)
    best = max(end.name_score for end in ends)
    plausible = [end for end in ends if end.name_score == best]
    if len(plausible) == 1:
        return plausible[0]
    names = sorted({name for end in plausible for name in (end.embedding, end.output) if name})
    if len(names) == 1 or len({end.output for end in plausible}) == 1:
        raise CharrnnError(
            f"{shown(plausible[0].output)} is square, so it may be transposed",
            hint="`--map 'NAME=output.weight'`, or `--map 'NAME=output.weight.T'` for (units, characters)",
        )
    raise ambiguous(request.shapes, names)


def possible_ends(request: ImportRequest, rest: Sequence[str], hidden: int, width: int, size: int) -> list[Ends]:
    """Return every assignment of the rest of the tensors for a vocabulary of `size` characters.

    A tied output is returned only if nothing else fits.
    """
    embeddings = _candidates(request, rest, "embedding.weight", lambda shape: shape == (size, width))
    outputs = list(_outputs(request, rest, hidden, size))
    biases: list[str | None] = [
        *_candidates(request, rest, "output.bias", lambda shape: shape in ((size,), (1, size)))
    ]
    biases += [] if request.given("output.bias") else [None]
    pairs: list[tuple[str | None, tuple[str, bool]]] = [
        (embedding, output) for embedding in embeddings for output in outputs if output[0] != embedding
    ]
    if width == size and not request.given("embedding.weight"):
        pairs += [(None, output) for output in outputs]
    return _assignments(rest, pairs, biases) or _assignments(
        rest, _tied(request, embeddings, outputs, (size, width)) if width == hidden else [], biases
    )


def _assignments(
    rest: Sequence[str], pairs: Sequence[tuple[str | None, tuple[str, bool]]], biases: Sequence[str | None]
) -> list[Ends]:
    """Return the combinations of embedding, output and bias that use all tensors."""
    return [
        Ends(embedding=embedding, output=output, transposed=transposed, bias=bias)
        for embedding, (output, transposed) in pairs
        for bias in biases
        if bias not in (embedding, output) or bias is None
        if set(rest) <= {embedding, output, bias}
    ]


def _tied(
    request: ImportRequest, embeddings: Sequence[str], outputs: Sequence[tuple[str, bool]], shape: Shape
) -> list[tuple[str | None, tuple[str, bool]]]:
    """Return the tensors that can be embedding and output at once, (V, H), under either name."""
    names = [*embeddings, *(name for name, _ in outputs if request.shapes[name] == shape)]
    return [(name, (name, False)) for name in dict.fromkeys(names)]


def _candidates(request: ImportRequest, rest: Sequence[str], part: str, fits: Callable[[Shape], bool]) -> list[str]:
    """Return the tensors whose shape fits a part: the one that the user named, or those of the rest."""
    given = request.given(part)
    return [name for name in ([given] if given else rest) if fits(request.shapes[name])]


def _outputs(request: ImportRequest, rest: Sequence[str], hidden: int, size: int) -> Iterator[tuple[str, bool]]:
    """Yield the tensors that can be the output matrix, with whether each is transposed, (H, V)."""
    if name := request.given("output.weight.T"):
        if request.shapes[name] == (hidden, size):
            yield name, True
        return
    given = request.given("output.weight")
    for name in [given] if given else rest:
        shape = request.shapes[name]
        ways = [way == shape[::-1] for way in output_shapes(request.layout, shape) if way == (size, hidden)]
        if hidden == size:
            ways = _square_ways(request.layout, name, is_given=bool(given)) if ways else []
        yield from ((name, way) for way in dict.fromkeys(ways))


def _square_ways(layout: str, name: str, *, is_given: bool) -> list[bool]:
    """Return whether a square output matrix can be as it is, transposed, or either."""
    if layout != "onnx":
        return [layout == "keras"]
    if is_given or name.endswith(".weight") or "transB" in name:
        return [False]
    return [True] if re.search("matmul|gemm", name, re.IGNORECASE) else [False, True]


def _misfit(request: ImportRequest, rest: Sequence[str], hidden: int, width: int) -> CharrnnError:
    """Return the error for tensors that are not embedding and output, after trying other sizes of the vocabulary."""
    for size in request.sizes():
        if possible_ends(request, rest, hidden, width, size):
            return CharrnnError(
                f"the vocabulary has {request.vocabulary_size:,} characters, but the weights are for {size:,}"
            )
    if not rest:
        return CharrnnError("there is no output layer", hint=MAP_HINT)
    return CharrnnError(
        f"a network of {hidden:,} units has no part for all of these: {listed(request.shapes, rest)}",
        hint="`--map 'NAME='` leaves a tensor out; other layers are not supported",
    )
