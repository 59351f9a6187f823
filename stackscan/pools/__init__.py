"""Worker pools: descriptions are data (catalogue/, one TOML file each), occupancy is counted here."""

from stackscan.pools.description import Pool, catalogue
from stackscan.pools.model import Model
from stackscan.pools.occupancy import PoolSample, sample
from stackscan.pools.proposals import Proposal, propose

__all__ = ["Model", "Pool", "PoolSample", "Proposal", "catalogue", "propose", "sample"]
