"""The Python API: train, load, sample, score and inspect."""
