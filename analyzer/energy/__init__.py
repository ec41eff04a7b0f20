"""Energy of a window, from its samples alone."""
