"""Reading data sets in EchoNet-Dynamic's folder layout, without torch.

    ROOT/FileList.csv    FileName, EF, Split and, if known, FPS; other columns are ignored
    ROOT/Videos/         the files that it names, in any format that `infer` reads
    ROOT/FOLDS.txt       only if Split is a number: train=0-7 val=8 test=9
    ROOT/DESCRIPTION.txt one line that describes the data (our addition, optional)

The layout is described at https://echonet.github.io/dynamic/. File names have no suffix in the
public file and one in some copies, and Split may be in upper or lower case. All are accepted.

EchoNet-Pediatric numbers its folds and lets the user choose which of them are the test set. The
choice is kept beside the data (FOLDS.txt is our addition) and not in an option, so that one command
cannot train on what another tests on.
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
