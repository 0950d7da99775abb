"""From left-ventricle masks of every frame to beats, volumes and a table."""
