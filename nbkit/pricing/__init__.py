"""What calls cost and how long texts are, from tables that travel with the install."""
