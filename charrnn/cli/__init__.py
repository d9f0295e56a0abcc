"""The command line, with Click; torch is imported in bodies only."""
