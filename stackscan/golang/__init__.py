"""Go source code of a dump's frames: finding its files. Nothing is downloaded, and no program is run."""
