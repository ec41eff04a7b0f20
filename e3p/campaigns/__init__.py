"""Campaigns from both sides: what a node does about commands, and how a person gives them and looks on."""
