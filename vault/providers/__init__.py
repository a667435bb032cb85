"""One module per CA behind one protocol."""
