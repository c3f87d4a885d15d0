"""Plays the room in the guest: teacher, technician, saboteur, and the watcher who sees what happens to the devices."""
