"""One file for each command. Each imports what it needs when it runs, so that ``e3p --help`` is quick."""
