"""The live page: what the fleet draws, runs and has concluded, now, in a browser."""
