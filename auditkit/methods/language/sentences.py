"""Sentences: a reply cut once into sentences of words, so that rules look at words and work grows as the text does."""

from __future__ import annotations

import re

from auditkit.methods.language.encodings import folded

__all__ = ["own_sentences", "words_of"]

_QUOTED = re.compile(r"\"[^\"\n]{1,300}\"|“[^”\n]{1,300}”|```.*?(?:```|$)|`[^`\n]*`", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_SHORTENED = re.compile(r"(?<=.)'(?:m|re|ve|ll|d|s)$")
_LONGEST = 40  # letters of a word that are kept


def own_sentences(text: str) -> list[str]:
    """Return the sentences of a text that it does not quote, without those that hold nothing.

    Examples
    --------
    >>> own_sentences('It says "No". I agree.')
    ['It says  .', 'I agree.']
    """
    plain = _QUOTED.sub(" ", text.replace("’", "'"))
    return [one for one in _SENTENCE.split(plain) if one.strip()]


def words_of(sentence: str) -> str:
    """Return the words of a sentence, folded, with one blank between two and what is written together with a pronoun apart.

    Every word ends at a blank and is cut to 40 letters. A pattern whose gaps are counted in words therefore does a bounded number of steps from each
    word on, whatever the sentence is.

    Examples
    --------
    >>> words_of("I'm afraid -- that's all, I can't.")
    "i 'm afraid that 's all i can't"
    """
    found = []
    for word in _WORD.findall(folded(sentence).replace("’", "'")):
        short = _SHORTENED.search(word)
        found += [word[: short.start()][:_LONGEST], short[0]] if short else [word[:_LONGEST]]
    return " ".join(found)
