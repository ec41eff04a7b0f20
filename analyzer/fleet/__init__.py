"""The fleet: what continues, what deviates, and what a person should hear of (docs/fleet.md)."""
