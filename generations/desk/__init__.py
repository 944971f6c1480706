"""The operator's desk: what waits for somebody, the actions that settle it, and search."""
