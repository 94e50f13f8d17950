"""Language: probes of language models, and detectors of what their replies hold. Text in, values out.

`probes` makes conversations with something harmless planted in them, `put` says each of them to a model several times, the detectors judge
the replies, `quality` tells how often each detector is right on labelled replies, and `rates` says how often something was found.
"""

from __future__ import annotations

from auditkit.methods.language.attempts import Attempt, put, verdict_on
from auditkit.methods.language.conversation import Ask, Declined, Message, Reply, Speaker
from auditkit.methods.language.detectors import Goal, meets_goal, tells_personal_data, tells_secret
from auditkit.methods.language.labelled import DETECTORS, Quality, judge, labelled_replies, quality
from auditkit.methods.language.markup import acts_on_reader
from auditkit.methods.language.rates import Counts, Rates, counts, disagreement, rates
from auditkit.methods.language.refusals import refuses
from auditkit.methods.language.verdicts import Verdict

__all__ = [
    "DETECTORS",
    "Ask",
    "Attempt",
    "Counts",
    "Declined",
    "Goal",
    "Message",
    "Quality",
    "Rates",
    "Reply",
    "Speaker",
    "Verdict",
    "acts_on_reader",
    "counts",
    "disagreement",
    "judge",
    "labelled_replies",
    "meets_goal",
    "put",
    "quality",
    "rates",
    "refuses",
    "tells_personal_data",
    "tells_secret",
    "verdict_on",
]
