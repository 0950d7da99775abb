"""One answer for a study: its clips are gathered, and stated rules choose those that count.

gather.py  which files are of one study
choose.py  which of its clips count, and why the others do not
answer.py  its EF, or why it has none
"""

from edgeecho.study.answer import (
    DEFAULT_RULE,
    RULES,
    Rule,
    StudyAnswer,
    StudyNumbers,
    answer_study,
)
from edgeecho.study.choose import StudyClip
from edgeecho.study.gather import gather

__all__ = [
    "DEFAULT_RULE",
    "RULES",
    "Rule",
    "StudyAnswer",
    "StudyClip",
    "StudyNumbers",
    "answer_study",
    "gather",
]
