"""What the queue calls to import: one artist as a whole, and the pieces of it that jobs share."""
