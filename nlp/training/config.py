"""What a training run is made of; saved with the weights."""

from __future__ import annotations

from corpus.records import Record


class TrainingConfig(Record):
    """Hyper-parameters of :func:`nlp.training.train`; the defaults made the shipped weights."""

    seed: int = 20251207
    epochs: int = 2
    # Of a labelled item's stance and sentiment, the share that is the teacher's opinion.
    teacher_share: float = 0.4
    batch_size: int = 32
    encoder_rate: float = 1.5e-4
    head_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.06
    label_smoothing: float = 0.03
    driver_weight: float = 4.0
    stance_weight: float = 1.0
    sentiment_weight: float = 1.0
    relevance_weight: float = 0.5
    average_decay: float = 0.998
    max_tokens: int = 160
    # How windows of a long article are joined (nlp.decide); chosen on whole development articles.
    body_shift: float = 2.25
    body_floor: float = -1.5
    lead_weight: float = 0.3
