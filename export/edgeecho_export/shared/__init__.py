"""The second graph of each precision: it answers overlapping clips of one video together."""
