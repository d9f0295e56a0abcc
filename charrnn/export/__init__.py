"""Exports: directories with which PyTorch, NumPy, ONNX Runtime or a model hub use a trained model."""
