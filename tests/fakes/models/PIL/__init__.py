"""A fake Pillow, for Python 3.6 too."""
