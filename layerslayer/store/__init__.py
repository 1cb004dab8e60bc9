"""What verified readings learnt of layers, kept between runs. See ``database``."""

from .database import Store
from .own_folder import default_folder
from .rows import KnownLayer, LayerSummary

__all__ = ["KnownLayer", "LayerSummary", "Store", "default_folder"]
