"""One foreign API each: questions in, records out. No models, no Celery, no settings; the gate is injected."""
