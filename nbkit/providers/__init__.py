"""Providers: each turns a request into the calls of one service, and what comes back into a response."""
