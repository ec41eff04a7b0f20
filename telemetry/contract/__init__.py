"""Contract v1: messages, topics, units, node time and interval sets. No I/O, cheap to import."""
