"""EchoNet-Dynamic's folder layout, read without torch.

    ROOT/FileList.csv    FileName, EF, Split and, where it is known, FPS; others do not matter
    ROOT/Videos/         the files that it names, in any format that `infer` reads
    ROOT/FOLDS.txt       where Split is a number: train=0-7 val=8 test=9
    ROOT/DESCRIPTION.txt one line that says what the data are (ours, optional)

The layout is described at https://echonet.github.io/dynamic/. File names carry no suffix in
the public file and one in some copies; Split is written in any case. Both are accepted.

EchoNet-Pediatric numbers its folds, and leaves it to the user which of them are the test set. That
choice (the file is ours) lies beside the data rather than in an option, so that one command cannot
train on what another tests on.
"""

from edgeecho.dataset.folds import SPLITS
from edgeecho.dataset.listing import LabelledVideo, describe_dataset, read_dataset
from edgeecho.dataset.read import LISTED, naming, prepare_labelled, read_labelled, with_listed_rate

__all__ = [
    "LISTED",
    "SPLITS",
    "LabelledVideo",
    "describe_dataset",
    "naming",
    "prepare_labelled",
    "read_dataset",
    "read_labelled",
    "with_listed_rate",
]
