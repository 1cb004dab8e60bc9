"""The image model: references, descriptors, manifests, configs. Values and one interface; no I/O."""
