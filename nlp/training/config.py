"""What a training run is made of; saved with the weights."""

from __future__ import annotations

from corpus.records import Record


class TrainingConfig(Record):
    """Hyper-parameters of :func:`nlp.training.train`; the defaults train a bare encoder."""

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
    # Where training goes on from a model: that model's share in the mean of the weights before and
    # after, which lies flatter than either (Izmailov et al. 2018, arXiv:1803.05407).
    start_share: float = 0.0
    max_tokens: int = 160
    # How windows of a long article are joined (nlp.decide); chosen on whole development articles.
    body_shift: float = 2.25
    body_floor: float = -1.5
    lead_weight: float = 0.3


# To go on from a model that is trained already: once more over everything, at a lower rate. Such a
# second round made the shipped weights from the release before.
SECOND_ROUND = TrainingConfig(seed=11, epochs=1, encoder_rate=1e-4, head_rate=5e-4, start_share=0.4)
