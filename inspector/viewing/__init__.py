"""Watch videos through the eyes of a classifier: explain every window, bring them together, record them."""
