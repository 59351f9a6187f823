"""Worker pools: descriptions are data (catalogue/, one TOML file each), occupancy is counted here."""

from stackscan.pools.description import Pool, catalogue
from stackscan.pools.model import Model
from stackscan.pools.occupancy import PoolSample, sample

__all__ = ["Model", "Pool", "PoolSample", "catalogue", "sample"]
