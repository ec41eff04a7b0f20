"""The analyzer: windows from marks, energy from samples, rankings from results."""
