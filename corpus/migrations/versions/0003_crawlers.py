"""Several crawlers on one store: who reads which source; and other names of articles."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the leases of sources and the other names of articles."""
    op.create_table(
        "source_leases",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "article_names",
        sa.Column("name", sa.String(20), primary_key=True),
        sa.Column("article_id", sa.String(20), sa.ForeignKey("articles.id"), nullable=False),
    )
