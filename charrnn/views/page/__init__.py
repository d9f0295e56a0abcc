"""The page of a search: one HTML file that asks nothing of any other."""
