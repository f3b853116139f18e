"""Why: what becomes of a request, or why a container has no route, asked of the running instance."""
