"""Directories, patterns and lists of files as sources of a text."""

import os
import threading
from pathlib import Path

import pytest
from common import Call

import charrnn
from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.storage import settings_file
from charrnn.text.corpus import open_corpus
from charrnn.text.corpus_encoder import count_characters
from charrnn.text.sources import find_sources
from charrnn.training.prepare import default_run_name, prepare
from charrnn.training.train_options import CONFIG_KEYS, TrainOptions

TINY = ("--steps", "2", "--hidden", "4", "--batch", "2", "--length", "8", "--threads", "1", "--sample-every", "0")


@pytest.fixture(autouse=True)
def _books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change to a directory with a directory of texts and other files."""
    monkeypatch.chdir(tmp_path)
    for name in ("b.txt", "a.md", "sub/c.txt", "sub/deep/d.txt", "sub-b/e.txt"):
        path = Path("books", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"This is the text of {name}. " * 9)


def names(*paths: str, **options: object) -> list[str]:
    """Return the names of the files of a text."""
    return [file.name for file in find_sources(paths, **options).files]  # type: ignore[arg-type]


ALL = ["books/a.md", "books/b.txt", "books/sub/c.txt", "books/sub/deep/d.txt", "books/sub-b/e.txt"]


def test_a_user_who_names_a_directory_reads_its_files_in_the_order_of_their_names() -> None:
    """Those of directories in it, too; each file once, in any order of the arguments."""
    assert sorted(names("books")) == sorted(ALL)
    assert names("books") == ["books/a.md", "books/b.txt", *ALL[2:4], ALL[4]]
    assert names("books/sub", "books") == [*ALL[2:4], *ALL[:2], ALL[4]]
    assert names("books/b.txt", "books")[0] == "books/b.txt"
    assert len(names("books/b.txt", "books")) == 5
    assert find_sources(["."]).name == Path.cwd().name


@pytest.mark.parametrize(
    ("include", "found"),
    [
        (["*.txt"], ALL[1:]),
        (["*.md", "c.*"], [ALL[0], ALL[2]]),
        (["sub/*.txt"], [ALL[2]]),
        (["sub/**/*.txt"], ALL[2:4]),
        (["**/deep/*"], [ALL[3]]),
    ],
)
def test_a_user_who_includes_patterns_reads_the_files_that_match(include: list[str], found: list[str]) -> None:
    """A pattern with a slash is compared with the path in the directory."""
    assert names("books", include=include) == found


def test_a_user_who_includes_nothing_reads_an_error() -> None:
    """No file matches, or no directory is named."""
    with pytest.raises(CharrnnError, match="books has no text file that `--include` matches"):
        names("books", include=["*.py"])
    with pytest.raises(WrongUsageError, match="--include chooses files of a directory, and none is named"):
        prepare(TrainOptions(corpus=("books/b.txt",), include=("*.py",)))


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("books/*.txt", [ALL[1]]),
        ("books/*", ALL),
        ("books/**/*.txt", ALL[1:]),
        ("books/sub*/[a-d].txt", [ALL[2]]),
        ("**/e.*", [ALL[4]]),
    ],
)
def test_a_pattern_that_the_shell_did_not_expand_is_expanded(pattern: str, found: list[str]) -> None:
    """As on Windows, or in quotes."""
    assert sorted(names(pattern)) == sorted(found)


def test_several_patterns_and_a_file_with_an_asterisk_in_its_name() -> None:
    """The same directory is searched for each pattern; a file with the literal name comes first."""
    assert names("books/**/*.md", "books/**/d.txt") == [ALL[0], ALL[3]]
    Path("books/*.txt").write_text("literal " * 40)
    assert names("books/*.txt") == ["books/*.txt"]
    with pytest.raises(WrongUsageError, match="no file matches"):
        names("books/*.py")


def test_files_that_are_not_texts_are_left_out_with_a_note() -> None:
    """Each reason has a line with the number of files and the first names."""
    for number in range(5):
        Path(f"books/{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\r")
    Path("books/latin.txt").write_bytes(b"caf\xe9 " * 99)
    Path("books/late.txt").write_bytes(b"ascii " * 99 + b"\xff")
    Path("books/empty.txt").touch()
    Path("books/lfs.txt").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid 1")
    Path("books/paper.pdf").write_bytes(b"%PDF-1.4 text")
    Path("books/.git").mkdir()
    Path("books/.git/config").write_text("[core]")
    sources = find_sources(["books"])
    assert [file.name for file in sources.files] == names("books") == ALL
    assert sources.notes == (
        "1 left out (hidden): books/.git",
        "5 left out (binary): books/0.png, books/1.png, books/2.png and 2 more",
        "1 left out (empty): books/empty.txt",
        "2 left out (not UTF-8): books/late.txt, books/latin.txt",
        "1 left out (a git-lfs pointer, not the file itself): books/lfs.txt",
        "1 left out (a PDF file, not plain text): books/paper.pdf",
    )
    assert len(find_sources(["books"], encoding="latin-1").files) == len(ALL) + 2


def test_links_and_special_files_in_a_directory_neither_repeat_nor_block(tmp_path: Path) -> None:
    """Loops, dangling links, links to files that are found anyway, a FIFO and a device."""
    Path("books/sub/up").symlink_to("..")
    Path("books/self").symlink_to("self")
    Path("books/dangling").symlink_to("nowhere")
    Path("books/z-link.md").symlink_to("a.md")
    Path("books/zero").symlink_to("/dev/zero")
    os.mkfifo("books/fifo")
    outside = tmp_path / "outside.txt"
    outside.write_text("outside " * 30)
    Path("books/outside.txt").symlink_to(outside)
    sources = find_sources(["books"])
    assert sorted(file.name for file in sources.files) == sorted([*ALL, "books/outside.txt"])
    assert "4 left out (not a file): books/dangling, books/fifo, books/self and 1 more" in sources.notes


def test_a_directory_of_thousands_of_levels_is_read() -> None:
    """Without recursion."""
    path = Path("deep")
    for _ in range(60):
        path /= "d" * 20
    path.mkdir(parents=True)
    (path / "x.txt").write_text("deep " * 60)
    assert names("deep") == [str(path / "x.txt")]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_unreadable_files_and_directories_are_named() -> None:
    """With the reason of the system."""
    Path("books/a.md").chmod(0)
    Path("books/sub").chmod(0)
    notes = find_sources(["books"]).notes
    assert notes == ("2 left out (permission denied): books/a.md, books/sub",)


def test_a_file_that_vanishes_while_a_text_is_read_is_an_error() -> None:
    """It names the file."""
    sources = find_sources(["books"])
    Path(ALL[3]).unlink()
    with pytest.raises(CharrnnError, match=r"cannot read books/sub/deep/d\.txt: no such file"):
        count_characters(sources, "utf-8")


@pytest.mark.parametrize("content", ["{}\n{}\n", "\ufeff{}\r\n\r\n{}\r\n", "{}\0{}\0", "{}\n{}"])
def test_a_user_with_a_list_of_files_reads_those(content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With line ends of any system, or NUL as of `find -print0`; a list can be a pipe."""
    Path("list").write_bytes(content.format("books/b.txt", "books/a.md").encode())
    assert names(files_from="list") == ["books/b.txt", "books/a.md"]
    with Path("list").open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert names(files_from="-") == ["books/b.txt", "books/a.md"]
    assert names(files_from="list", include=["*.md"]) == ["books/a.md"]
    os.mkfifo("fifo")
    threading.Thread(target=lambda: Path("fifo").write_bytes(Path("list").read_bytes())).start()
    assert names("books/sub/c.txt", files_from="fifo") == ["books/sub/c.txt", "books/b.txt", "books/a.md"]


def test_a_list_with_missing_names_reads_the_others() -> None:
    """A list of nothing is an error, as is a list that is missing."""
    Path("list").write_bytes("# comment\nbooks/b.txt\nbooks/gone.txt\nbooks/sub\n".encode("utf-16"))
    sources = find_sources([], files_from="list")
    assert [file.name for file in sources.files] == [ALL[1], *ALL[2:4]]
    assert sources.notes == ("1 left out (no such file or directory): books/gone.txt",)
    Path("list").write_text("A line of prose.\n")
    with pytest.raises(CharrnnError, match="list lists no text file"):
        find_sources([], files_from="list")
    Path("list").write_text("\n \n")
    for name, message in (("list", "list names no file"), ("none", "none: no such file")):
        with pytest.raises(WrongUsageError, match=message):
            names(files_from=name)
    with pytest.raises(WrongUsageError, match="standard input can be read only once"):
        prepare(TrainOptions(corpus=("-",), files_from="-"))


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"corpus": ("books",)}, "books"),
        ({"corpus": ("books/sub/",)}, "sub"),
        ({"corpus": ("books/*.txt",)}, "books"),
        ({"corpus": ("books/b.txt", "books")}, "b"),
        ({"files_from": "lists/names.lst"}, "names"),
        ({"files_from": "-"}, "stdin"),
        ({"corpus": ("v1.2",)}, "v1.2"),
    ],
)
def test_a_run_is_named_after_the_directory_or_the_list(given: dict[str, object], name: str) -> None:
    """With dots in its name, too."""
    Path("v1.2").mkdir()
    assert default_run_name(TrainOptions(**given)) == name  # type: ignore[arg-type]
    assert default_run_name(TrainOptions(corpus=("*",))) == Path.cwd().name


def test_a_user_who_trains_on_a_directory_resumes_until_a_file_changes(call: Call) -> None:
    """The settings contain the arguments, not the files; a renamed file is a change of the order."""
    result = call("train", "books", "--include", "*.txt", *TINY)
    assert result.code == 0
    settings = settings_file.read_settings(Path("checkpoints/books/config.yaml"), CONFIG_KEYS)
    assert (settings["corpus"], settings["include"]) == (["books"], ["*.txt"])
    assert open_corpus(Path("checkpoints/books/corpus.bin")).name == "books"
    again = ("train", "books", "--include", "*.txt", *TINY[2:])
    assert call(*again, "--steps", "3").code == 0
    os.utime("books/b.txt", ns=(1, 1))
    assert call(*again, "--steps", "4").code == 0
    assert "since step 4" in call("train", "books", *TINY).err
    Path("books/b.txt").rename("books/zz.txt")
    assert "since step 4" in call(*again, "--steps", "5").err
    assert call("train", "--config", "checkpoints/books/config.yaml", "--out", "other").code == 0


def test_a_run_in_the_directory_is_not_part_of_the_text(call: Call) -> None:
    """Its files change during the training; the run itself is not a text."""
    os.chdir("books")
    result = call("train", ".", *TINY)
    assert (result.code, result.out) == (0, "checkpoints/books/model.safetensors\n")
    assert call("train", ".", *TINY[2:], "--steps", "3").code == 0
    result = call("train", ".", "--new", *TINY)
    assert "note: 1 left out (a run of charrnn): checkpoints/books\n" in result.err
    error = (
        "error: checkpoints/books is a run, not a text\n\nhint: `--from checkpoints/books` starts from its model\n"
    )
    assert call("train", "checkpoints/books").err == error


def test_a_python_user_trains_on_a_directory() -> None:
    """The names of the settings are those of the options."""
    settings = {"steps": 2, "hidden": 4, "batch": 2, "length": 8, "threads": 1, "out": "run"}
    model = charrnn.train(Path("books"), include=["*.md"], **settings)  # type: ignore[arg-type]
    assert model.model.training["characters"] == len("This is the text of a.md. " * 9)
    with pytest.raises(WrongUsageError, match="include is the string"):
        charrnn.train("books", include="*.md")


def test_a_path_after_an_equals_sign_or_in_a_config_file_may_begin_with_a_tilde(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shell expands neither; every path option does."""
    monkeypatch.setenv("HOME", str(Path.cwd() / "home"))
    Path("home").mkdir()
    Path("books").rename("home/books")
    Path("home/list").write_text("home/books/a.md")
    Path("home/my.yaml").write_text("corpus: [~/books]\nout: ~/run\nfiles_from: ~/list\n")
    result = call("train", "--config=~/my.yaml", *TINY)
    run = Path.cwd() / "home/run"
    assert (result.code, result.out) == (0, f"{run}/model.safetensors\n")
    assert call("train", "~/books", "--out=~/two", "--from=~/run", *TINY[:2], "--sample-every", "0").code == 0
    assert call("score", "~/run", "~/books/a.md", "~/books/b.txt").code == 0
    assert call("info", "~/run").code == 0
    assert call("sample", "~/run", "--prompt-file=~/books/a.md", "-n", "1").code == 0
    assert call("inspect", "~/run", "--cell", "1.0", "--text=~/books/a.md", "--svg=~/cell.svg").code == 0
    assert Path("home/cell.svg").exists()
    assert not Path("~").exists()
