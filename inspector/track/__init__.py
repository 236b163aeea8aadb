"""How attention shifted over training: the same states, and own play, through every checkpoint of a run."""
