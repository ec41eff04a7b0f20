"""The command line, and the only place that sees every program."""
