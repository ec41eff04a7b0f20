"""What every program of e3p shares: the wire contract, the runtime and the stores."""
