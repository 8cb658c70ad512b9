"""What runs inside of Cinder's own virtual environment."""
