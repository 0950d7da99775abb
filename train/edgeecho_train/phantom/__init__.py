"""Synthetic apical four-chamber clips whose ejection fraction is known exactly.

No echo data set may be shipped with this project; phantoms let the whole pipeline run for
real. An error measured on phantoms says nothing about patients and is never to be presented
as clinical accuracy.

A phantom is drawn (nuisances -> population), then rendered: (geometry, view, cardiac_cycle) ->
anatomy -> image -> overlay -> writer.
"""
