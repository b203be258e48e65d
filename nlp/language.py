"""Which language a text is in, and when to say that it is not English.

py3langid names a language and how sure it is. A headline is short and full of names, so text in
Latin letters is taken for English unless the detector is very sure of another language; other
scripts decide by themselves.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

# Languages that crypto outlets publish in; rarer ones only draw short English headlines to
# themselves.
CANDIDATES = [
    "ar",
    "cs",
    "de",
    "el",
    "en",
    "es",
    "fa",
    "fr",
    "he",
    "hi",
    "hu",
    "id",
    "it",
    "ja",
    "ko",
    "nl",
    "pl",
    "pt",
    "ro",
    "ru",
    "sv",
    "th",
    "tr",
    "uk",
    "vi",
    "zh",
]
SURE = 0.75  # needed to say that text in Latin letters is not English
SHORTEST = 20  # letters; below this only the script is looked at
LONGEST = 1000  # characters; more text does not change the answer


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415 - loads a model

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(CANDIDATES)
    return identifier


def detect_language(text: str) -> str | None:
    """ISO 639-1 code of the language; null when there are no letters to tell it from."""
    sample = text[:LONGEST]
    letters = sum(map(str.isalpha, sample))
    if not letters:
        return None
    latin = 1.0 if sample.isascii() else sum(map(_is_latin, sample)) / letters
    if letters < SHORTEST and latin > 0.5:
        return "en"
    code, probability = _identifier().classify(sample)
    if latin <= 0.5:
        return str(code) if code != "en" else "und"
    return str(code) if code != "en" and probability >= SURE else "en"


@cache
def _is_latin(character: str) -> bool:
    return character.isalpha() and unicodedata.name(character, "").startswith("LATIN")
