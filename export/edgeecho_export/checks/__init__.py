"""What a converted file must pass before it goes into a bundle."""
