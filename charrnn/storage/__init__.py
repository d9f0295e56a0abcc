"""Files of a run: atomic writes, formats, locks and directories."""
