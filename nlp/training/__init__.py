"""Training of the tagger.

Needs the ``train`` extra (torch, transformers, sentence-transformers).
"""

from __future__ import annotations

from nlp.training.config import TrainingConfig
from nlp.training.run import train

__all__ = ["TrainingConfig", "train"]
