"""The command line: Click; torch is imported in bodies only."""
