"""Stories of rewritten reports: why an article is in its story, and which stories were merged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the reasons and the merges; the stories of before stay as they are."""
    op.add_column("articles", sa.Column("matched_reason", sa.Text))
    op.add_column("articles", sa.Column("joined_story_id", sa.String(20)))
    op.create_table(
        "story_merges",
        sa.Column("from_id", sa.String(20), primary_key=True),
        sa.Column("into_id", sa.String(20), nullable=False),
        sa.Column("merged_at", sa.BigInteger, nullable=False),
        sa.Column("article_id", sa.String(20), nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("story_merges_by_into", "story_merges", ["into_id"])
