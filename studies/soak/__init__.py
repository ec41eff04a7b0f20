"""Soak tests against known truth: long runs of simulated nodes, healthy ones and ones with injected faults.

`python -m studies.soak` runs it and writes docs/soak.md.
"""
