"""What an instance is given before it has a network: the documents of its seed and the image that carries them."""
