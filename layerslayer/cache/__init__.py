"""What verified readings found in layers, kept between runs. See ``database``."""

from .database import Store
from .private_folder import default_folder
from .rows import KnownLayer, LayerFacts, LayerSummary, RowWriter

__all__ = ["KnownLayer", "LayerFacts", "LayerSummary", "RowWriter", "Store", "default_folder"]
