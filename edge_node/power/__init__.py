"""The sensors: what this device can say about the power that it draws."""
