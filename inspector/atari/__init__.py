"""All that knows the Arcade Learning Environment: the game, and the networks that play it."""
