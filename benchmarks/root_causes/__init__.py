"""A prototype of root causes: who waits for whom, argued from one dump (not in the package yet).

``benchmarks/causes.py`` counts what it names. The TOML files hold what a finding of each cause will say.
"""
