"""Settings that hold for every command, read from ``UNDERTOW_*`` environment variables.

An option of the command line goes before the variable, and the variable before the default.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from corpus.errors import UsageError

KeyHash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Settings(BaseSettings):
    """What can be set once for all commands; each field is ``UNDERTOW_`` and its name in capitals.

    ``db`` is the store as an SQLAlchemy address; ``model`` a model directory instead of the one
    that comes with Undertow; ``drivers`` a folder of added drivers, read where there is one;
    ``sources`` a source list instead of ``corpus/sources.toml``;
    ``price_api`` where ``undertow prices pull`` asks (an API like Coinbase Exchange's candles);
    ``threads`` bounds the processor threads of the tagger. ``key_hashes`` are SHA-256 digests of
    the keys that ``undertow serve`` lets in, parted by commas. ``webhook_secret`` signs what
    ``undertow watch --webhook`` posts.
    """

    model_config = SettingsConfigDict(
        env_prefix="UNDERTOW_", frozen=True, extra="ignore", env_ignore_empty=True
    )

    db: str = "sqlite:///undertow.db"
    model: Path | None = None
    drivers: Path = Path("undertow-drivers-added")
    sources: Path | None = None
    price_api: str = "https://api.exchange.coinbase.com"
    threads: int | None = Field(default=None, ge=1)
    key_hashes: Annotated[tuple[KeyHash, ...], NoDecode] = ()
    webhook_secret: SecretStr | None = None

    @field_validator("key_hashes", mode="before")
    @classmethod
    def _parted(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(one.strip() for one in value.split(",") if one.strip())
        return value


def load_settings() -> Settings:
    """The settings of the environment; raises :class:`UsageError` naming a wrong variable."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"UNDERTOW_{first['loc'][0]}".upper()
        raise UsageError(
            f"the environment variable {name} is wrong: {first['msg']}",
            remedy=f"correct or unset {name}",
        ) from error
