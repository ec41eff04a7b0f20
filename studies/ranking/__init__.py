"""How often the intervals of rankings, devices, families and predictions hold the truth."""
