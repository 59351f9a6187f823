"""Graphs as pictures: where boxes and arrows lie, and the SVG of them."""
