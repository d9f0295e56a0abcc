"""What is found out about a training before torch, which takes seconds, is imported: which run, which text.

Beginning it, or going on with it, is left to `taking_up`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charrnn.runs import RUNS, RunDirectory, run_name
from charrnn.text import standard_library
from charrnn.text.corpus import CharacterCounts, count_characters
from charrnn.text.encoding import check_encoding
from charrnn.text.sources import STANDARD_INPUT, CorpusFiles, open_sources
from charrnn.training.lock import check_not_locked
from charrnn.training.origin import PretrainedModel, document_kind, load_pretrained
from charrnn.training.places import refuse_foreign, refuse_text_of_run

ReadProgress = Callable[[CorpusFiles], CorpusFiles]
"""has the reading of a text watched"""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A training that can be begun or gone on with."""

    directory: RunDirectory
    sources: CorpusFiles | None
    """None: the run goes on with its own copy of what came from standard input"""
    counts: CharacterCounts | None
    """what a first reading of the text found; None where a run goes on"""
    pretrained: PretrainedModel | None = None
    """the model to start from; None: chance, or a run that goes on"""


def no_progress(sources: CorpusFiles) -> CorpusFiles:
    """Have a text read as it is."""
    return sources


def prepare(corpus: tuple[str, ...], options: Mapping[str, Any], *, progress: ReadProgress = no_progress) -> Prepared:
    """Find the run and read the text once; raise CharrnnError for a text that cannot be learned.

    Of the options, which are those of the command, `out`, `new`, `from`, `documents` and `encoding` matter here.
    """
    name = "stdin" if corpus[:1] == (STANDARD_INPUT,) else corpus[0] if corpus else standard_library.NAME
    directory = RunDirectory(Path(options["out"]) if options["out"] else RUNS / run_name(Path(name)))
    check_not_locked(directory)
    going_on = bool(directory.checkpoints()) and not options["new"]
    refuse_foreign(directory, new=not going_on)
    # Standard input can be read only once: a run that has its own copy of it needs no more.
    if going_on and STANDARD_INPUT in corpus:
        return Prepared(directory=directory, sources=None, counts=None)
    sources = open_sources(corpus)
    if going_on:
        return Prepared(directory=directory, sources=sources, counts=None)
    refuse_text_of_run(sources, directory)
    pretrained = load_pretrained(Path(options["from"]), directory) if options["from"] else None
    documents = document_kind(options["documents"], pretrained)
    encoding = check_encoding(options["encoding"] or "utf-8")
    sources = progress(sources)
    return Prepared(
        directory=directory,
        sources=sources,
        counts=count_characters(sources, encoding, documents=documents),
        pretrained=pretrained,
    )
