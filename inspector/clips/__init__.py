"""Video as input of a network: every frame of a file, at its time.

Nothing is imported here: the process that decodes starts from this package and shall load PyAV and numpy only.
"""
