"""Where frames, results and ledgers rest: one interface, one behaviour."""
