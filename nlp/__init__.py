"""What the news means: text in; tags, facts, index and price study out."""
