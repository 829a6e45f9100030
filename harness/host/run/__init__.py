"""One run: its servers, its resources, its record, from the first message to the last."""
