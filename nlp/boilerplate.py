"""Sentences that belong to the page and not to the story: disclaimers, newsletters, related links.

They never make a tag. Patterns are few and anchored on wording that news prose does not use.
"""

from __future__ import annotations

import re

_PATTERNS = (
    # disclaimers, in the languages that crypto outlets print them in
    r"\b(?:not|never|nor) (?:be )?(?:constitute|construed as|considered|intended as|taken as"
    r"|provide|offer)?\s*(?:as )?(?:any )?(?:investment|financial|trading|legal) advice\b",
    r"\b(?:does|do|should) not (?:contain|constitute|provide|represent"
    r"|be (?:considered|construed|taken))\b.{0,60}\b(?:advice|recommendations?|endorsements?)\b",
    r"\bevery (?:investment|trading)(?: and (?:investment|trading))? (?:move|decision)"
    r" involves risk\b",
    r"\breaders (?:should|must) (?:conduct|do) their own (?:research|due diligence)\b",
    r"\b(?:for|purely) informational purposes only\b",
    r"\bpast performance (?:is|does) not\b",
    r"\b(?:no es|no constituye|keine|ne constitue pas|não constitui|non costituisce)\b.{0,30}"
    r"\b(?:asesoramiento|anlageberatung|conseil|aconselhamento|consulenza)\b",
    r"\bdo your own research\b.{0,40}$",
    # newsletters, sharing, cookies
    r"\b(?:subscribe|sign up) (?:to|for) (?:our|the) .{0,30}"
    r"\b(?:newsletter|daily|alerts|channel)\b",
    r"\bfollow us on (?:x|twitter|telegram|facebook|google news)\b",
    r"\bjoin our (?:telegram|discord|community|channel)\b",
    r"\b(?:share this (?:article|story|post)|share with friends)\b",
    r"\b(?:accept|manage|use of) (?:all )?cookies\b",
    r"\ball rights reserved\b",
    # links to other stories
    r"^(?:related|read more|also read|read also|see also|more from|you may also like|recommended"
    r"|magazine)\s*[:|]",
    r"\baffiliate (?:links?|disclosure)\b",
    r"^disclaimer\b",
    r"^disclosure\s*:",
)
_BOILERPLATE = re.compile("|".join(f"(?:{pattern})" for pattern in _PATTERNS), re.IGNORECASE)


def is_boilerplate(sentence: str) -> bool:
    """Whether a sentence is page furniture rather than part of the story."""
    return _BOILERPLATE.search(sentence) is not None
