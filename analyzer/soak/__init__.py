"""Long runs of one node: drift, steps, episodes, missing data, and the verdict by a plan's budgets."""
