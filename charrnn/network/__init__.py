"""The model: its equations, the network that learns, the file it is kept in, the reader that steps it."""
