"""One line for each thing, in the form of compilers, which editors and other programs take apart."""
