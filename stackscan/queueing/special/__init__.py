"""The special functions of the pool model: incomplete gamma and beta functions, and the quantiles they give.

scipy has all of them, and takes more room than the rest of what stackscan needs for a report. Names and arguments are
those of ``scipy.special``; tests/test_special.py holds the values against it, to the accuracy that each module states.

Sources: the Digital Library of Mathematical Functions (DLMF, https://dlmf.nist.gov), by number of its equations;
N. M. Temme, The asymptotic expansion of the incomplete gamma functions (1979); C. Loader, Fast and Accurate Computation
of Binomial Probabilities (2000).
"""

from stackscan.queueing.special.beta import betainc, betaincinv, stdtr, stdtrit
from stackscan.queueing.special.gamma import gammainc, gammaincinv, log_poisson
from stackscan.queueing.special.normal import ndtri

__all__ = ["betainc", "betaincinv", "gammainc", "gammaincinv", "log_poisson", "ndtri", "stdtr", "stdtrit"]
