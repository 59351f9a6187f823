"""The live table of watched processes, and the view of one: lines of text from data."""
