"""What a person sees: drawings are values; never torch."""
