"""One answer for a study: its clips are gathered, and stated rules choose those that count.

gather.py   which files are of one study
clip.py     what a study takes from a clip's result
choose.py   which of its clips count, and why the others do not
combine.py  one EF of those that count
answer.py   all of it
"""

from edgeecho.study.answer import StudyAnswer, answer_study, without_cine
from edgeecho.study.choose import StudyClip
from edgeecho.study.clip import Clip
from edgeecho.study.combine import DEFAULT_RULE, RULES, Rule, StudyNumbers
from edgeecho.study.gather import gather

__all__ = [
    "DEFAULT_RULE",
    "RULES",
    "Clip",
    "Rule",
    "StudyAnswer",
    "StudyClip",
    "StudyNumbers",
    "answer_study",
    "gather",
    "without_cine",
]
