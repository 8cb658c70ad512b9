"""What runs inside of Nova's own virtual environment."""
