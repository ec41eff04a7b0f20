"""Takes secrets out of texts that people and logs are shown: what stands in an address, and should not.

A secret that has a setting of its own is a `Secret` and shows nowhere. This is for the one that somebody put
where it does not belong, because the line that refuses it would repeat it.
"""

from __future__ import annotations

import re

# The password of an address ends at the last @ of its word, since it may hold one itself.
_IN_URL = re.compile(r"(?P<before>://[^\s:/@'\"]*):[^\s'\"]*@")
_BEFORE_HOST = re.compile(r"(?P<before>[^\s:/@'\"=]+):[^\s/@'\"]+@")
_IN_QUERY = re.compile(r"(?P<before>(?:token|password|passwd|secret)=)[^\s&'\"]+", re.IGNORECASE)


def hide_secrets(text: str) -> str:
    """The text with ``hidden`` in the place of passwords and tokens inside addresses."""
    text = _IN_URL.sub(r"\g<before>:hidden@", text)
    text = _BEFORE_HOST.sub(r"\g<before>:hidden@", text)
    return _IN_QUERY.sub(r"\g<before>hidden", text)
