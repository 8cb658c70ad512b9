"""What runs inside of Keystone's own virtual environment."""
