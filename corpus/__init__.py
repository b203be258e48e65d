"""What Undertow reads and where it is kept: feeds, pages, stories, the store."""
