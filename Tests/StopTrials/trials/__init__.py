"""Proves from outside that every way of stopping closes the devices, and in which order."""
