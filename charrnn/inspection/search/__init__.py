"""The search for interpretable cells, from the text to the findings."""
