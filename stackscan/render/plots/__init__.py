"""The curves of a projection as pictures and as block characters."""
