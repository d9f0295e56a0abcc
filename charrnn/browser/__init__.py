"""The interactive browser of cells in the terminal; only `app` imports Textual."""
