"""Measures of a model on a text: activations, surprisal, gates, effective context, errors and examples."""
