"""What looks at text before it is sent, and before it is shown. No guard knows another."""
