"""The agent on a device: sensors, sampler, spool, publisher, marks."""
