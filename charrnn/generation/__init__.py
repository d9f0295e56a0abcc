"""Text generation with a trained network; never imports torch."""
