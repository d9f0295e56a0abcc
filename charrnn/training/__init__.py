"""Training: recipe, schedule, loop and checkpoints; never prints."""
