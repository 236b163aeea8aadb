"""Attention of a video classifier over training: the same clips under every checkpoint, by region and by position."""
