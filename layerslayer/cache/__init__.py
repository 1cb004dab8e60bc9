"""What verified readings found in layers, kept between runs. See ``database``."""

from .database import Store
from .private_folder import default_folder
from .rows import KnownLayer, LayerSummary

__all__ = ["KnownLayer", "LayerSummary", "Store", "default_folder"]
