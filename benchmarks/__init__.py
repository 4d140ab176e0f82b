"""Measurements, each beside a peer that runs in the same minute on the same machine: ``make bench``."""
