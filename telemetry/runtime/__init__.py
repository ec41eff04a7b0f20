"""The small machinery of a service: link, broker, signals, configuration, logs."""
