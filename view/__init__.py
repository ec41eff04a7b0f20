"""What people look at: the self-contained report. It reads the store and never writes to it."""
