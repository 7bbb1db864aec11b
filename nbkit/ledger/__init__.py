"""Records of every call: kept in SQLite, written as JSON lines, logged. No sink knows another."""
