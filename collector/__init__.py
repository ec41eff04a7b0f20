"""The collector: receives, judges, stores and acknowledges frames, and keeps the ledger."""
