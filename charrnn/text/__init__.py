"""Characters: vocabulary, corpus on disk, streams of windows; knows nothing of networks."""
