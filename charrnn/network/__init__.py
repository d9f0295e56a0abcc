"""The network: its equations, training and inference, and its file."""
