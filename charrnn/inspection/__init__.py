"""What cells mean: concepts, evidence, findings; numbers only."""
