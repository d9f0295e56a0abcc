"""Where `charrnn` and `python -m charrnn` begin."""

import sys


def main() -> None:
    """Run the command that was typed, and leave with its exit code."""
    from charrnn.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
