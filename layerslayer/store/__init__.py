"""What verified readings learnt of layers, kept between runs. See ``database``."""

from .database import KnownLayer, LayerSummary, Store, default_folder

__all__ = ["KnownLayer", "LayerSummary", "Store", "default_folder"]
