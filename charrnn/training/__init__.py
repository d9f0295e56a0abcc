"""Learning: recipe, schedule, loop, checkpoint; never prints."""
