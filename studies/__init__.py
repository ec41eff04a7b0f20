"""Studies of the method itself: what its stated intervals are worth, against truths that are known."""
