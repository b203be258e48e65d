"""The network: one encoder pass, a query per question over its token states, several heads.

Each question (is driver *d* there; what is its stance; the overall sentiment; is the item relevant)
attends to the tokens with its own learned query. A driver's logit is *linear* in what its query
gathers, so it splits exactly into one share a token; the shares are what evidence is read from.
Stance is one head for all drivers, conditioned on the driver through its query and an embedding,
because most drivers alone have too few examples.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import BertConfig, BertModel


class Outputs(NamedTuple):
    """Logits of a batch of ``items`` encoded to ``tokens``; the ONNX graph has the same outputs."""

    driver: Tensor  # (items, drivers)
    stance: Tensor  # (items, drivers, 3)
    sentiment: Tensor  # (items, 3)
    relevance: Tensor  # (items,)
    token_share: (
        Tensor  # (items, drivers, tokens); sums over tokens to the driver logit less its bias
    )
    mean_state: Tensor  # (items, width); what added drivers are read from (nlp/added_drivers.py)


@dataclass(frozen=True)
class NetworkShape:
    """Sizes beside those of the encoder."""

    drivers: int
    queries_per_question: int = 4
    stance_hidden: int = 256
    dropout: float = 0.1


class Pool(nn.Module):
    """Attention of ``questions`` x ``queries`` learned queries over token states."""

    def __init__(self, width: int, questions: int, queries: int) -> None:
        super().__init__()
        self.questions, self.queries = questions, queries
        self.key = nn.Linear(width, width)
        self.query = nn.Linear(width, questions * queries, bias=False)
        nn.init.normal_(self.query.weight, std=width**-0.5)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Weights (items, questions, queries, tokens) from states (items, tokens, width)."""
        scores = self.query(self.key(states))  # (items, tokens, questions * queries)
        scores = scores.masked_fill(mask.unsqueeze(-1) == 0, torch.finfo(scores.dtype).min)
        weights = scores.softmax(dim=1).transpose(1, 2)
        shaped: Tensor = weights.unflatten(1, (self.questions, self.queries))
        return shaped


class DriverNetwork(nn.Module):
    """Encoder and heads; see the module's docstring."""

    def __init__(self, encoder: BertModel | nn.Module, shape: NetworkShape) -> None:
        super().__init__()
        width = int(encoder.config.hidden_size)  # type: ignore[union-attr, arg-type]
        self.encoder = encoder
        self.shape = shape
        queries = shape.queries_per_question
        self.dropout = nn.Dropout(shape.dropout)
        self.topic_pool = Pool(width, shape.drivers, queries)
        self.topic_weight = nn.Parameter(torch.randn(shape.drivers, queries, width) * width**-0.5)
        self.topic_bias = nn.Parameter(torch.full((shape.drivers,), -1.0))
        self.stance_pool = Pool(width, shape.drivers, queries)
        self.driver_embedding = nn.Parameter(torch.randn(shape.drivers, 32) * 0.1)
        self.stance_head = nn.Sequential(
            nn.Linear(width * queries + width + 32, shape.stance_hidden),
            nn.GELU(),
            nn.Dropout(shape.dropout),
            nn.Linear(shape.stance_hidden, 3),
        )
        self.item_pool = Pool(width, 2, queries)  # sentiment, relevance
        self.sentiment_head = nn.Sequential(
            nn.Linear(width * queries + width, shape.stance_hidden),
            nn.GELU(),
            nn.Dropout(shape.dropout),
            nn.Linear(shape.stance_hidden, 3),
        )
        self.relevance_head = nn.Linear(width * queries, 1)
        for part in products(self).values():
            # What multiplies each channel before it is rounded, and what a step of each column of
            # the matrix over these factors is worth (nlp/training/rounding.py).
            part.register_buffer("input_factor", torch.ones(part.in_features))
            part.register_buffer("weight_scale", torch.ones(part.out_features))

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Outputs:
        """Logits from token ids, all of shape (items, tokens)."""
        states = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        states = self.dropout(states)
        mask = attention_mask.to(states.dtype).unsqueeze(-1)
        # As a product: ONNX Runtime adds up a lone item in another order than several.
        mean = (mask.transpose(1, 2) @ states).squeeze(1) / mask.sum(1)

        topic = self.topic_pool(states, attention_mask)
        values = torch.einsum("btw,dqw->bdqt", states, self.topic_weight)
        token_share = (topic * values).sum(2)
        driver = token_share.sum(-1) + self.topic_bias

        gathered = (self.stance_pool(states, attention_mask) @ states.unsqueeze(1)).flatten(2)
        items, drivers = gathered.shape[0], self.shape.drivers
        about = self.driver_embedding.unsqueeze(0).expand(items, -1, -1)
        whole = mean.unsqueeze(1).expand(-1, drivers, -1)
        stance = self.stance_head(torch.cat([gathered, whole, about], dim=-1))

        item = (self.item_pool(states, attention_mask) @ states.unsqueeze(1)).flatten(2)
        about_all = torch.cat([item[:, 0], mean], dim=-1)
        # Each item twice: kernels take another path for a single row, with other last bits.
        sentiment = self.sentiment_head(torch.cat([about_all, about_all]))[:items]
        relevance = self.relevance_head(item[:, 1]).squeeze(-1)
        return Outputs(driver, stance, sentiment, relevance, token_share, mean)


def products(network: DriverNetwork) -> dict[str, nn.Linear]:
    """The products with constant matrices that the ONNX graph does in int8, by name.

    Those over the tokens or the drivers of an item; products over whole items are few and stay.
    """
    whole = {network.relevance_head, *network.sentiment_head}
    return {
        name: part
        for name, part in network.named_modules()
        if isinstance(part, nn.Linear) and part not in whole
    }


def load_network(config: Path, weights: Path, *, drivers: int) -> DriverNetwork:
    """The network of a model directory, in float32 and ready to run."""
    encoder_config = BertConfig.from_json_file(config)
    network = DriverNetwork(
        BertModel(encoder_config, add_pooling_layer=False), NetworkShape(drivers)
    )
    tensors = {name: tensor.float() for name, tensor in load_file(weights).items()}
    for name in products(network):
        # Half precision is nearer to a step than half a step: so this is the graph's matrix.
        factor = tensors[f"{name}.input_factor"]
        scale = tensors[f"{name}.weight_scale"][:, None]
        matrix = tensors[f"{name}.weight"]
        tensors[f"{name}.weight"] = (matrix / factor / scale).round() * scale * factor
    network.load_state_dict(tensors)
    return network.eval()
