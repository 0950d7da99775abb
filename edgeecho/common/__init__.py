"""What every room uses and that knows nothing of hearts: errors, files, words, the machine."""
