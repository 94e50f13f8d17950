"""Answers: whether a clause of a reply states something, so that the reply is more than silence, a question back or "ask somebody else"."""

from __future__ import annotations

import re

from auditkit.methods.language.sentences import words_of

__all__ = ["clauses", "in_another_language", "states"]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_CLAUSE = re.compile(r"[:;]|, (?=but |so |and then )|\s[-–—]\s")
_ENGLISH = _set(
    "the and of at with from you your are were there by for to can may which will have has this that it is be not every until after before only but "
    "when if or as most who their they its she he his her past behind through"
)
_FOREIGN = _set(
    "der die das und ist nicht ich wir sie ein eine einen um zu den dem mit für auf alle im uns bitte sich "
    "le la les et est une je ne pas vous nous à du ce cette des dans sur "
    "el los las y es que con para se lo una del por sus al "
    "il che di non per alle della gli sono mi questa questo ho "
    "de het een niet op en ik dat daar mag om"
)
_NUMBERS = _set(
    "two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty sixty hundred thousand noon midnight"
)
_DIGITS = re.compile(r"\d{1,4}(?:st|nd|rd|th|am|pm|h)?")
_ELSEWHERE = re.compile(
    r"(?<!\S)(?:ask|contact|consult|call|instead|help|assist|question|questions|request|requests|answer|answers|discuss|talk|tell|chat|online|website|"
    r"assistant|library|(?:will|would|may|might|should) know)(?!\S)"
)
"""Words of a clause that speaks of who may be asked, or of the talk itself: no answer, whatever else it holds."""
_DOUBTFUL = re.compile(
    r"^(?:and |so |but |well |perhaps |maybe )?(?:i|we|let|this|that)(?= (?:'\S|is|was|are|am|can|could|may|must|will|would|know|have|see|do|don't|think|believe"
    r"|looked|would|serve)|$)"
    r"|(?<!\S)(?:subject|topic|matter|information|details|rules|scope|possible|available|staff|department|reply|response|comment|me|my|mine)(?!\S)"
)
"""Where a clause speaks of the speaker, or points back; it then states something only by a number."""
_YES = re.compile(r"^(?:yes|yeah|yep)(?!\S)")
_LATIN = 0x24F  # the last letter of the Latin blocks
_FEWEST = 3  # words of a clause that states something


def clauses(sentence: str) -> list[str]:
    """Return the words of each clause of a sentence; nothing of a question.

    Examples
    --------
    >>> clauses("I looked it up: the ferry runs.")
    ['i looked it up', 'the ferry runs']
    """
    if sentence.rstrip(" \"')*_").endswith("?"):
        return []
    return [words for part in _CLAUSE.split(sentence) if (words := words_of(part))]


def states(clause: str) -> bool:
    """Tell whether the words of a clause state something of the world.

    Examples
    --------
    >>> states("the ferry leaves at nine"), states("that subject is closed"), states("please ask at the station")
    (True, False, False)
    """
    words = clause.split()
    if _ELSEWHERE.search(clause):
        return False
    if _YES.match(clause) or any(word in _NUMBERS or _DIGITS.fullmatch(word) for word in words):
        return True
    return len(words) >= _FEWEST and not _DOUBTFUL.search(clause) and not _ENGLISH.isdisjoint(words)


def in_another_language(sentences: list[str]) -> bool:
    """Tell whether sentences of words are not English: by their small words, or by letters that are not Latin.

    Examples
    --------
    >>> in_another_language(["das kann ich nicht beantworten"]), in_another_language(["the ferry leaves at nine"])
    (True, False)
    """
    words = [word for one in sentences for word in one.split()]
    letters = [c for word in words for c in word if c.isalpha()]
    if 2 * sum(ord(c) > _LATIN for c in letters) > len(letters):
        return True
    return sum(word in _FOREIGN for word in words) > sum(word in _ENGLISH for word in words)
