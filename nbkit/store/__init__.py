"""What nbkit keeps on disk: private files, SQLite databases, and the cache that never unpickles."""
