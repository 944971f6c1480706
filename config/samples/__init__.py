"""The sample pictures of the landing page, the guides and the demo, drawn by program."""
