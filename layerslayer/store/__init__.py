"""What verified readings learnt of layers, kept between runs. See ``database``."""

from .database import Store
from .rows import KnownLayer, LayerSummary
from .sqlite_file import default_folder

__all__ = ["KnownLayer", "LayerSummary", "Store", "default_folder"]
