"""The pool model: how near a pool of workers is to saturation, and what would change it.

It knows numbers only, no dump: workers, tasks a second, the share of silent peers, the deadline of a close. Modules are
imported one by one (``stackscan.queueing.replay``), since most need numpy, and not every caller does.
"""
