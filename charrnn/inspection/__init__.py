"""Interpretation of cells: concepts, the search, and other measures; numbers only."""
