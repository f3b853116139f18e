"""Commands: what people type, by what it is about; each imports only what it needs."""
