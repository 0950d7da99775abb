"""Synthetic apical four-chamber clips whose ejection fraction is known exactly.

This project may not include a real echo data set; phantoms allow running the whole pipeline. An
error measured on phantoms says nothing about patients and must never be presented as clinical
accuracy.

A phantom is drawn (nuisances -> population) and then rendered: (geometry, view, cardiac_cycle) ->
anatomy -> image -> overlay -> writer. `truth` has the volume and the mask of every frame.
"""
