"""Training: an EchoNet-format data set becomes a checkpoint.

cli.py          the commands `edgeecho train` and `edgeecho stats`
recipe.py       all options of a run
stages.py       several runs in a row, from a TOML file
start.py        one run, begun or resumed
initial.py      the network that a run begins with
training.py     a run's state: network, optimizer, schedule, position
loop.py         epochs of training and validation, whatever is learnt
task.py         what the loop has to know of that
ef.py           the task EF
segmentation/   the task segmentation: masks of the left ventricle
data.py         clips in batches
network.py      R(2+1)D-18
checkpoint.py   checkpoint files
log.py          history as CSV and plot
stats.py        mean and standard deviation of a data set
release.py      `edgeecho release`: a checkpoint for publication
recalibrate.py  EFs fitted to the labels by a line
rounded.py      weights rounded to FP16
phantom/        synthetic videos with an exact EF
"""
