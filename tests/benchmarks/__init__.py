"""Small runs of measurements that others rely on."""
