"""What Undertow learned: weights and their cards."""
