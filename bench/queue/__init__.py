"""What the queue does in a second, beside Procrastinate and bare Celery in the same run."""
