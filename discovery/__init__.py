"""Discovery: containers, labels and route files in, routing out."""
