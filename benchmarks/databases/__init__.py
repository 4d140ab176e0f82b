"""The store beside the databases that others use, over the same data, each from its Debian package on loopback."""
