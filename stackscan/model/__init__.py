"""The nouns: frames, stacks, snapshots, buckets, captures, versions. They import nothing of ours but each other."""
