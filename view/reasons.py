"""What the reasons and flags of results mean, in words. Pure."""

from __future__ import annotations

from telemetry.contract.documents import Flag, Reason

REASONS: dict[Reason | Flag, str] = {
    "gap": "No reading for longer than five spacings: the energy inside is interpolated and not covered.",
    "coverage": "Less than 95 % of the window is covered by readings.",
    "no_samples": "Not one power reading lies in the window: it has no energy.",
    "frames_missing": "Frames that the node made have not arrived; a new revision follows when they do.",
    "frames_lost": "The node declared frames of this window lost.",
    "no_ledger": "Nothing tells how many frames the node made, so nobody can say that none is missing.",
    "no_manifest": "The node has not said what its sensor is: its uncertainty is unknown.",
    "marks_missing": "Marks of the application are missing, or its batches do not add up to its images.",
    "overlap": "Another window ran on this node at the same time; energy is not shared out between them.",
    "locked_aliasing": "The batches keep step with a sensor that sees a part of the time only.",
    "short": "The window is short against the sensor's period and averaging.",
    "no_clock": "Nobody could tell how the clocks of the device and of its meter stand to each other.",
    "aborted": "The application ended before its trial did.",
    "negative": "The sensor reported negative power.",
    "over_max": "The sensor reported more power than this device can draw.",
    "frozen": "The sensor repeated one value for an implausibly long time.",
    "rails": "The rails do not add up to the input.",
    "unit_slip": "Some readings look like milliwatts among watts.",
    "counter_back": "The energy counter went backwards.",
    "clock_bad": "The node's clock is minutes off; energy does not need it, comparing moments does.",
    "suspended": "The device was suspended during the window.",
}
