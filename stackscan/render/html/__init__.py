"""Pages for a browser: one file that needs no network, rendered by Jinja with everything escaped.

Python renders what a reader must see without a click: verdict, findings, pools, problems. The scripts in ``assets/``
add what a reader asks for, flame graph, table of stacks, single goroutines, from the JSON report that the page holds.
"""
