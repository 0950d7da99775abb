"""The second world of synthetic four-chamber videos: speckle formed by physics.

Point scatterers move with the tissue and are imaged through the point-spread function of a
phased array. Anatomy, motion and pictures share no code with `edgeecho_train.phantom`, which
paints textures; the layout of the data sets is the same. The videos are no patients.
"""
