"""Captures for other programs: tables, SQL, profiles; and files written whole or not at all."""
