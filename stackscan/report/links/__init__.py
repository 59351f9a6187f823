"""Links from frames to their source: on the web in the version that ran, and in the reader's editor.

Nothing is asked of a network: a link follows from what the frame's path says. Paths come from strangers, so that a link
leads to a known host, every part of it is percent-encoded, and none is longer than 2,000 characters.
"""

from stackscan.report.links.links import HOSTS, Links, links_of

__all__ = ["HOSTS", "Links", "links_of"]
