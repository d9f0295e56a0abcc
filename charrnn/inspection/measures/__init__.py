"""Measures of a model on a text, each a record of numbers."""
