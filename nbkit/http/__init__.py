"""HTTP to a provider: pooled connections, deadlines, retries, event streams, errors that say nothing private."""
