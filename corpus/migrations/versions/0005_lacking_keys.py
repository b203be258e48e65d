"""Articles whose keys are yet to be made: those of an export, which bring their story along."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the list."""
    op.create_table(
        "articles_lacking_keys",
        sa.Column("published_us", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("article", sa.BigInteger, sa.ForeignKey("articles.number"), primary_key=True),
        sqlite_with_rowid=False,
    )
