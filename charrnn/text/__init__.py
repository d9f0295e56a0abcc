"""Text: files, decoding, vocabulary, corpus on disk and batches; independent of networks."""
