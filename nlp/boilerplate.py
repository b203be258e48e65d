"""Sentences that belong to the page and not to the story: disclaimers, newsletters, related links.

They never make a tag. Patterns are few and anchored on wording that news prose does not use.
"""

from __future__ import annotations

import re

from nlp.readable import case_folded

# Each pattern with words of which one stands in whatever it matches: they are looked for first,
# since a text is searched for a word much faster than for a pattern.
_ANYWHERE = (
    # disclaimers, in the languages that crypto outlets print them in
    (
        ("advice",),
        r"\b(?:not|never|nor) (?:be )?(?:constitute|construed as|considered|intended as|taken as"
        r"|provide|offer)?\s*(?:as )?(?:any )?(?:investment|financial|trading|legal) advice\b",
    ),
    (
        ("advice", "recommendation", "endorsement"),
        r"\b(?:does|do|should) not (?:contain|constitute|provide|represent"
        r"|be (?:considered|construed|taken))\b.{0,60}"
        r"\b(?:advice|recommendations?|endorsements?)\b",
    ),
    (
        ("involves risk",),
        r"\bevery (?:investment|trading)(?: and (?:investment|trading))? (?:move|decision)"
        r" involves risk\b",
    ),
    (
        ("their own",),
        r"\breaders (?:should|must) (?:conduct|do) their own (?:research|due diligence)\b",
    ),
    (("informational purposes",), r"\b(?:for|purely) informational purposes only\b"),
    (("past performance",), r"\bpast performance (?:is|does) not\b"),
    (
        ("asesoramiento", "anlageberatung", "conseil", "aconselhamento", "consulenza"),
        r"\b(?:no es|no constituye|keine|ne constitue pas|não constitui|non costituisce)\b.{0,30}"
        r"\b(?:asesoramiento|anlageberatung|conseil|aconselhamento|consulenza)\b",
    ),
    (("your own research",), r"\bdo your own research\b.{0,40}$"),
    # newsletters, sharing, cookies
    (
        ("subscribe", "sign up"),
        r"\b(?:subscribe|sign up) (?:to|for) (?:our|the) .{0,30}"
        r"\b(?:newsletter|daily|alerts|channel)\b",
    ),
    (("follow us",), r"\bfollow us on (?:x|twitter|telegram|facebook|google news)\b"),
    (("join our",), r"\bjoin our (?:telegram|discord|community|channel)\b"),
    (("share ",), r"\b(?:share this (?:article|story|post)|share with friends)\b"),
    (("cookies",), r"\b(?:accept|manage|use of) (?:all )?cookies\b"),
    (("rights reserved",), r"\ball rights reserved\b"),
    # links to other stories
    (("affiliate",), r"\baffiliate (?:links?|disclosure)\b"),
)
_OPENING = re.compile(
    r"(?:related|read more|also read|read also|see also|more from|you may also like|recommended"
    r"|magazine)\s*[:|]"
    r"|disclaimer\b"
    r"|disclosure\s*:",
    re.IGNORECASE,
)
_PATTERNS = tuple((words, re.compile(pattern, re.IGNORECASE)) for words, pattern in _ANYWHERE)


def is_boilerplate(sentence: str) -> bool:
    """Whether a sentence is page furniture rather than part of the story."""
    if _OPENING.match(sentence):
        return True
    folded = case_folded(sentence)
    return any(
        pattern.search(sentence)
        for words, pattern in _PATTERNS
        if any(word in folded for word in words)
    )
