"""Drawings as values: tables, plots, heat maps; never imports torch."""
