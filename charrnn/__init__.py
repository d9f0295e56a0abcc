"""Character-level recurrent networks: learn a text, write more of it, see which cells mean something."""

__version__ = "0.1.0"
