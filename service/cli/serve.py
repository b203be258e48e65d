"""``undertow serve``: tags, index and reports over HTTP."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli.command import database_option, make_command, model_option, store_address


@make_command(
    "serve",
    "undertow serve",
    "undertow serve --port 8080 --db postgresql+psycopg://undertow@localhost/undertow",
    "UNDERTOW_KEY_HASHES=$(printf %s SECRET | sha256sum | cut -c1-64) undertow serve --host ::",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that share the port; each holds a model of its own.",
)
@click.option(
    "--rate-limit",
    metavar="NUMBER",
    type=click.FloatRange(0, 1_000_000, min_open=True),
    help="Items and other requests a second that each key may ask for.  [default: no bound]",
)
@model_option
@database_option
def command(
    *,
    host: str,
    port: int,
    workers: int,
    rate_limit: float | None,
    model_directory: Path | None,
    db: str | None,
) -> None:
    """Serve tagging, articles, index, study and watch list over HTTP, and the dashboard.

    Only this machine is served unless --host says otherwise. Keys are asked for once
    UNDERTOW_KEY_HASHES holds their SHA-256 digests, parted by commas. Ctrl-C and SIGTERM let
    requests in flight end first.
    """
    from service.http import ServeOptions, serve  # noqa: PLC0415 - slow to import
    from service.settings import load_settings  # noqa: PLC0415 - slow to import

    settings = load_settings()
    serve(
        host=host,
        port=port,
        db=store_address(db),
        model=model_directory or settings.model,
        threads=settings.threads,
        added=[settings.drivers],
        options=ServeOptions(key_hashes=settings.key_hashes, rate_limit=rate_limit),
        workers=workers,
        on_listening=lambda address: click.echo(f"Listening on {address} (Ctrl-C ends it)"),
    )
