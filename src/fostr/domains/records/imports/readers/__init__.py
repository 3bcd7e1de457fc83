"""How files are read: each format gives a header and rows of texts, from any position that it once told."""
