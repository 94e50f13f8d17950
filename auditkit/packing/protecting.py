"""Protecting: a table as it may be passed on, with keyed pseudonyms, coarser values, and nobody's name."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from auditkit.errors import InputError, did_you_mean
from auditkit.files import write_whole
from auditkit.loading.tables import find_file
from auditkit.loading.written import read_written, typed
from auditkit.methods.anonymity import k_anonymity
from auditkit.methods.equivalence import equivalence_classes
from auditkit.methods.generalisation import mondrian
from auditkit.methods.pseudonyms import Pseudonyms
from auditkit.nouns import counted
from auditkit.packing.sealing import SUFFIX, Seal, read_secret
from auditkit.scanning.personal import personal_column
from auditkit.scanning.tables import few_words, quasi_looking, records_that_name, scan_columns

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from auditkit.scanning.tables import ColumnFound

__all__ = ["Protected", "Treatment", "protect", "protect_file", "treatments", "unseal_file"]

Treatment = Literal["keep", "pseudonymise", "generalise", "drop"]
_WRITES = (".csv", ".parquet")
_HIDES = ("pseudonymise", "drop")


@dataclass(frozen=True, eq=False)
class Protected:
    """A table that was protected, and what that took.

    Attributes
    ----------
    frame : DataFrame of shape (n, d)
        As it may be passed on, records in their order.
    treatments : dict of str to str
        What was done to each column: "keep", "pseudonymise", "generalise", "drop".
    k_before, k : int
        Records in the smallest class of the quasi-identifiers before, and in what is passed on, counted anew; 0 without any.
    loss : dict of str to float
        What each generalised column gave up, 0 to 1 (normalised certainty penalty).
    left : tuple of str
        Columns passed on in which personal data is still found, by their values or their names.
    quasi_looking : tuple of str
        Columns left as they were whose names say that they help to recognise a person.
    category : dict of str to str
        Columns left as they were though their names say a person, and why (`few_words`).
    own : tuple of str
        Other columns left as they were in which nearly every record has a value of its own.
    unclear : tuple of str
        The same of so few records that it says little (`ColumnFound.unclear`).
    free_text : tuple of str
        Columns left as they were of several words that differ, in which names of people are not looked for.
    naming : dict of str to int
        Records of columns passed on as they were in which a word of a column of names stands that is pseudonymised or dropped.
    coded : tuple of str
        Columns left as they were whose values have the form of pseudonyms, or of plain hashes, which whoever guesses a value can make, too.
    """

    frame: pd.DataFrame
    treatments: dict[str, Treatment]
    k_before: int
    k: int
    loss: dict[str, float]
    left: tuple[str, ...]
    quasi_looking: tuple[str, ...]
    category: dict[str, str]
    own: tuple[str, ...]
    unclear: tuple[str, ...]
    free_text: tuple[str, ...]
    naming: dict[str, int]
    coded: tuple[str, ...]

    def treated(self, what: Treatment) -> tuple[str, ...]:
        """Return the columns to which something was done, as they were named in the table."""
        return tuple(name for name, done in self.treatments.items() if done == what)


def treatments(
    found: Sequence[ColumnFound],
    *,
    quasi_identifiers: Sequence[str] = (),
    pseudonymise: Sequence[str] = (),
    drop: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> dict[str, Treatment]:
    """Return what is done to each column: as it was said, else by what was found in it.

    A column that holds personal data within longer text is dropped: a pseudonym of a text is of no use. One that identifies by itself
    (`ColumnFound.identifies`, as AK911 counts) gets pseudonyms. The others stay.

    Raises
    ------
    InputError
        If a named column is none of the table's, or two things were said of one.
    """
    names = [one.name for one in found]
    said: dict[str, Treatment] = {}
    orders: dict[Treatment, Sequence[str]] = {
        "generalise": quasi_identifiers,
        "pseudonymise": pseudonymise,
        "drop": drop,
        "keep": keep,
    }
    for what, words in orders.items():
        for word in words:
            if word not in names:
                raise InputError(f"{what}: the table has no column {word!r}.{did_you_mean(word, names)}")
            if word in said:
                raise InputError(f"column {word!r} is asked to {said[word]} and to {what}: ask for one")
            said[word] = what
    return {one.name: said.get(one.name) or _by_itself(one) for one in found}


def _by_itself(one: ColumnFound) -> Treatment:
    if one.kinds and one.within:
        return "drop"
    return "pseudonymise" if one.identifies else "keep"


def protect(frame: pd.DataFrame, secret: bytes, plan: Mapping[str, Treatment], *, k: int = 5) -> Protected:
    """Return a table with pseudonyms, coarser values, and without the columns that are dropped.

    Parameters
    ----------
    frame : DataFrame of shape (n, d)
        Records.
    secret : bytes
        32 random bytes; `auditkit.packing.sealing.read_secret` reads them.
    plan : mapping of str to str
        From `treatments`.
    k : int
        Records that agree in all generalised columns at least.

    Raises
    ------
    InputError
        If nothing is left to pass on, or the records do not make a class of `k`.
    """
    columns = {str(name): frame.iloc[:, j] for j, name in enumerate(frame.columns)}
    coarse = {name: columns[name] for name, what in plan.items() if what == "generalise"}
    done = mondrian(coarse, k) if coarse else None
    names = Pseudonyms(secret)
    made: dict[str, Any] = {}
    for name, what in plan.items():
        if what == "pseudonymise":
            made[name] = _named(names, name, columns[name].tolist())
        elif what == "generalise" and done is not None:
            made[name] = done.words(name)
        elif what == "keep":
            made[name] = columns[name].to_numpy() if columns[name].dtype == object else columns[name].array
    if not made:
        raise InputError("every column is dropped: nothing is left to pass on. Keep one: --keep COLUMN")
    import pandas as pd

    table = pd.DataFrame(made)
    found = [one for one in scan_columns(table) if plan[one.name] != "pseudonymise"]
    kept = [one for one in found if plan[one.name] == "keep"]
    left = tuple(one.name for one in found if one.kinds or (one.identifies and one in kept))
    looking = tuple(quasi_looking(kept))
    category = {one.name: few_words(one) for one in kept if one.category}
    own = tuple(
        one.name for one in kept if one.row_names and not one.coded and one.name not in (*left, *looking)
    )
    unclear = tuple(one.name for one in kept if one.unclear and one.name not in (*left, *looking))
    coded = tuple(one.name for one in kept if one.coded and one.name not in left)
    before = k_anonymity(equivalence_classes(coarse)).k if coarse else 0
    after = k_anonymity(equivalence_classes({name: made[name] for name in coarse})).k if coarse else 0
    loss = {} if done is None else {name: done.penalty(name) for name in coarse}
    free = tuple(one.name for one in kept if one.free_text)
    naming = _naming(columns, plan)
    return Protected(
        table, dict(plan), before, after, loss, left, looking, category, own, unclear, free, naming, coded
    )


def _naming(columns: Mapping[str, pd.Series[Any]], plan: Mapping[str, Treatment]) -> dict[str, int]:
    """Return in how many records of each text that stays a name stands that is to go."""
    hidden = [
        columns[name] for name, what in plan.items() if what in _HIDES and personal_column(name) == "name"
    ]
    texts = [
        name
        for name, what in plan.items()
        if what == "keep" and any(isinstance(one, str) for one in columns[name])
    ]
    told = {name: records_that_name(hidden, columns[name]) for name in texts} if hidden else {}
    return {name: n for name, n in told.items() if n}


def _named(names: Pseudonyms, column: str, values: list[Any]) -> list[str | None]:
    """Return pseudonyms, of which there are as many as different values."""
    made = names.column(column, values)
    told = [one for one, name in zip(values, made, strict=True) if name is not None]
    try:
        before = len(set(told))
    except TypeError:  # lists
        before = len(set(map(str, told)))
    after = len({one for one in made if one is not None})
    if after < before:
        raise InputError(
            f"column {column!r}: {counted(before, 'different value')} would get {counted(after, 'pseudonym')}, so that some people could not be told apart: "
            "give each value in one way of writing, as text"
        )
    return made


def protect_file(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    key_file: str | os.PathLike[str],
    k: int = 5,
    sealed: str | os.PathLike[str] | None = None,
    quasi_identifiers: Sequence[str] = (),
    pseudonymise: Sequence[str] = (),
    drop: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> Protected:
    """Read a table, protect it, and write it; with `sealed` also the file as it was, encrypted under the same key.

    Parameters
    ----------
    path, out : path
        The table, and the one to write: .csv or .parquet. Nothing is overwritten.
    key_file : path
        A key made by ``auditkit pack keygen NAME --restricted``.
    k : int
        Records that agree in all generalised columns at least.
    sealed : path, optional
        Where the original goes, encrypted (AES-256-GCM); opened by `unseal_file`.
    quasi_identifiers, pseudonymise, drop, keep
        As in `treatments`.

    Raises
    ------
    InputError
        Before anything is written: a file is missing, or there already, or a column does not exist.

    Notes
    -----
    Values that get pseudonyms are taken as they are written: in a CSV ``007``, ``7`` and ``7.0`` are three.
    """
    source, target = find_file(Path(path), "table"), Path(out)
    if target.suffix.lower() not in _WRITES:
        raise InputError(f"--out: expected a .csv or .parquet file, got {target.name}")
    places = [target, *([] if sealed is None else [Path(sealed)])]
    for place in places:
        _free(place)
    if sealed is not None and Path(sealed).suffix != SUFFIX:
        raise InputError(f"--sealed: expected a name that ends in {SUFFIX}, got {Path(sealed).name}")
    secret = read_secret(key_file)
    written = read_written(source)
    frame = typed(written)
    plan = treatments(
        scan_columns(frame),
        quasi_identifiers=quasi_identifiers,
        pseudonymise=pseudonymise,
        drop=drop,
        keep=keep,
    )
    # a name is its letters: 007 and 7 are two people
    whole = frame.assign(**{name: written[name] for name, what in plan.items() if what == "pseudonymise"})
    done = protect(whole, secret, plan, k=k)
    contents = {target: _csv(done.frame) if target.suffix.lower() == ".csv" else _parquet(done.frame)}
    if sealed is not None:
        place = Path(sealed)
        contents[place] = Seal(secret).close(place.name, source.read_bytes())
    _write(contents)
    return done


def _write(contents: Mapping[Path, bytes]) -> None:
    """Write files that were not there: all, or none."""
    made: list[Path] = []
    try:
        for place, content in contents.items():
            made.append(write_whole(place, content))
    except BaseException:
        for place in made:
            place.unlink(missing_ok=True)
        raise


def unseal_file(
    path: str | os.PathLike[str], out: str | os.PathLike[str], *, key_file: str | os.PathLike[str]
) -> Path:
    """Write what a sealed file holds, in the clear.

    Raises
    ------
    InputError
        If the key is another, the file was changed or renamed, or `out` is there already.
    """
    source, target = find_file(Path(path), "sealed"), Path(out)
    _free(target)
    content = Seal(read_secret(key_file)).open(source.name, source.read_bytes())
    written: Path = write_whole(target, content, private=True)
    return written


def _free(place: Path) -> None:
    if place.exists():
        raise InputError(f"{place} is there already, and is not replaced: choose another name")
    if not place.parent.is_dir():
        raise InputError(f"no folder {place.parent} to write {place.name} to: make it first")


def _csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False, lineterminator="\n").encode("utf-8", "backslashreplace")


def _parquet(frame: pd.DataFrame) -> bytes:
    held = io.BytesIO()
    # text beside numbers in a generalised column: one type a column
    mixed = {
        str(name): frame[name].map(lambda one: one if one is None else str(one))
        for name in frame
        if frame[name].dtype == object
    }
    frame.assign(**mixed).to_parquet(held, index=False)
    return held.getvalue()
