"""Captures for other programs: tables, SQL, profiles; and how files are written whole or not at all."""
