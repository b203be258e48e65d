"""The first schema: articles with their revisions and stories, tags, prices, source states."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build all tables."""
    op.create_table(
        "articles",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("id", sa.String(20), nullable=False, unique=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("text", sa.Text),
        sa.Column("summary", sa.Text),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("author", sa.Text),
        sa.Column("language", sa.Text),
        sa.Column("published_at", sa.BigInteger, nullable=False),
        sa.Column("published_claimed", sa.BigInteger),
        sa.Column("published_flag", sa.String(10), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("story_id", sa.String(20), nullable=False),
        sa.Column("external_id", sa.Text),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("matched_id", sa.String(20)),
        sa.Column("matched_score", sa.Double),
    )
    op.create_index("articles_by_time", "articles", ["published_at", "id"])
    op.create_index("articles_by_source", "articles", ["source", "published_at", "id"])
    op.create_index("articles_by_story", "articles", ["story_id"])
    op.create_table(
        "former_contents",
        sa.Column("article_id", sa.String(20), sa.ForeignKey("articles.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("text", sa.Text),
        sa.Column("summary", sa.Text),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "story_bands",
        sa.Column("band", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("published_us", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("article", sa.BigInteger, sa.ForeignKey("articles.number"), primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tags",
        sa.Column("article_id", sa.String(20), sa.ForeignKey("articles.id"), primary_key=True),
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("content_hash", sa.String(64), primary_key=True),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("tagged_at", sa.BigInteger, nullable=False),
    )
    op.create_index("tags_by_model", "tags", ["model", "tagged_at"])
    op.create_table(
        "prices",
        sa.Column("asset", sa.Text, primary_key=True),
        sa.Column("time", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("close", sa.Double, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
    )
    op.create_table(
        "source_states",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("etag", sa.Text),
        sa.Column("last_modified", sa.Text),
        sa.Column("last_attempt_at", sa.BigInteger),
        sa.Column("last_success_at", sa.BigInteger),
        sa.Column("items", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("problem", sa.Text),
        sa.Column("next_due_at", sa.BigInteger),
    )
