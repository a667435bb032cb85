"""Chromium works through the whole job, against a real portal."""
