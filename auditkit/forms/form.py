"""Form: answers to a kind of form about one subject, with a digest of what was asked and answered."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from auditkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

__all__ = ["DECISIONS", "ROLES", "Form", "Signed", "canonical"]

ROLES = ("author", "reviewer")
DECISIONS = ("approved", "approved with conditions", "rejected")
"""What a reviewer can decide."""


@dataclass(frozen=True, slots=True)
class Signed:
    """Who put their name under a form.

    Attributes
    ----------
    role : {"author", "reviewer"}
        As what.
    name : str
        Who, in the words of the signature.
    time : str
        When, by the clock of whoever signed: in UTC, ISO 8601.
    keyid : str
        Which key made the signature.
    decision, remark : str
        What a reviewer decided (`DECISIONS`) and added.
    salt : str
        What the remark is hashed with: the signature names the remark by a digest, from which it cannot be guessed.
    """

    role: str
    name: str
    time: str
    keyid: str
    decision: str = ""
    remark: str = ""
    salt: str = ""

    def remark_digest(self) -> str:
        """Return the sha256 of the remark with its salt, as the signature holds it; empty without a remark."""
        return hashlib.sha256(f"{self.salt}\n{self.remark}".encode()).hexdigest() if self.remark else ""

    def to_dict(self) -> dict[str, str]:
        """Return plain JSON values; decision, remark and salt that are not there are left out."""
        return {
            key: value
            for key, value in asdict(self).items()
            if value or key in ("role", "name", "time", "keyid")
        }


@dataclass(frozen=True, slots=True)
class Withheld:
    """What the public form of a report says of answers that it does not show.

    Attributes
    ----------
    digest : str
        Of what was asked and answered.
    controls : tuple of (str, str)
        Framework and id of the controls to which the answers are evidence relevant.
    """

    digest: str
    controls: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Form:
    """Answers to a kind of form.

    Attributes
    ----------
    kind, title, edition : str
        What was asked.
    subject : str
        What the answers are about: the name of a model.
    answers : dict
        Id of a question to its answer, in plain JSON values and in the order of the questions; what was not answered is not there.
    sections : tuple of dict
        What was asked, as it was worded: ``{id, title, questions, controls}``. A question is ``{id, words, answer}``, and ``columns`` of rows.
    open : tuple of str
        What is required and not answered: ``purpose``, or ``risks[2].owner``.
    signed : tuple of Signed
        Who put their name under it.
    envelopes : tuple of str
        Their signatures, which `auditkit form verify` reads.
    withheld : Withheld or None
        In the public form of a report, what is said of answers that are not there.
    """

    kind: str
    title: str
    edition: str
    subject: str
    answers: Mapping[str, Any]
    sections: tuple[Mapping[str, Any], ...]
    open: tuple[str, ...] = ()
    signed: tuple[Signed, ...] = ()
    envelopes: tuple[str, ...] = field(default=(), repr=False)
    withheld: Withheld | None = None

    def __repr__(self) -> str:
        return f"Form({self.kind} of {self.subject}: {self.state}; .frame() for the answers)"

    @property
    def digest(self) -> str:
        """The sha256 of all that was asked and answered, in canonical form; layout and comments of the file do not change it."""
        return (
            self.withheld.digest if self.withheld else hashlib.sha256(canonical(self.content())).hexdigest()
        )

    @property
    def controls(self) -> tuple[tuple[str, str], ...]:
        """Framework and id of the controls to which the answers are evidence relevant."""
        if self.withheld:
            return self.withheld.controls
        every = [(one["framework"], one["id"]) for section in self.sections for one in section["controls"]]
        return tuple(dict.fromkeys(every))

    @property
    def state(self) -> str:
        """How it stands, in words: "draft, not signed", "signed by its author, not reviewed", "signed by two, approved"."""
        roles = {one.role: one for one in self.signed}
        if "author" not in roles:
            return f"draft, not signed, {len(self.open)} open" if self.open else "draft, not signed"
        if "reviewer" not in roles:
            return "signed by its author, not reviewed"
        return f"signed by two, {roles['reviewer'].decision}"

    def content(self) -> dict[str, Any]:
        """Return what the digest is of: what was asked and answered, without who signed it."""
        return {
            "kind": self.kind,
            "title": self.title,
            "edition": self.edition,
            "subject": self.subject,
            "answers": dict(self.answers),
            "sections": [dict(one) for one in self.sections],
            "open": list(self.open),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, as a report holds them."""
        controls = [{"framework": framework, "id": id_} for framework, id_ in self.controls]
        return {
            **self.content(),
            "digest": self.digest,
            "state": self.state,
            "signed": [one.to_dict() for one in self.signed],
            **({"envelopes": list(self.envelopes)} if self.envelopes else {}),
            **({"withheld": {"controls": controls}} if self.withheld else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote.

        Raises
        ------
        InputError
            If the digest or the state is that of something else, or an answer stands where answers are said to be withheld.
        """
        about = data.get("withheld")
        controls = tuple((one["framework"], one["id"]) for one in about["controls"]) if about else ()
        made = cls(
            data["kind"],
            data["title"],
            data["edition"],
            data["subject"],
            dict(data["answers"]),
            tuple(dict(one) for one in data["sections"]),
            tuple(data["open"]),
            tuple(Signed(**one) for one in data["signed"]),
            tuple(data.get("envelopes", ())),
            Withheld(data["digest"], controls) if about else None,
        )
        told = (
            made.answers or made.sections or made.open or any(one.remark or one.salt for one in made.signed)
        )
        if about and told:
            raise InputError(
                f"the form {made.kind!r} of {made.subject!r} says that its answers are withheld, and some stand in it: no digest holds those"
            )
        if data["digest"] != made.digest or data["state"] != made.state:
            raise InputError(
                f"the form {made.kind!r} of {made.subject!r} is not what its digest and its state say: it was changed after it was made"
            )
        return made

    @classmethod
    def held(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote, and refuse what is not as it was signed; see `hold`."""
        made = cls.from_dict(data)
        made.hold()
        return made

    def hold(self) -> None:
        """Refuse a form that is not as it was signed, or names others than signed it.

        Where the extra ``evidence`` is missing, what the signatures say is compared, and they are not checked.

        Raises
        ------
        InputError
            If something differs.
        """
        from auditkit.forms.signatures import misfits  # which reads forms

        if wrong := misfits(self, unchecked=True):
            raise InputError(
                f"the form {self.kind!r} of {self.subject!r} is not as it was signed: {wrong[0]}"
            )

    def without_answers(self, subject: str) -> Self:
        """Return what may be public of it: what it is, its digest, and who signed it when; no answer and no remark.

        Parameters
        ----------
        subject : str
            What the subject is called in public.
        """
        return replace(
            self,
            subject=subject,
            answers={},
            sections=(),
            open=(),
            signed=tuple(replace(one, remark="", salt="") for one in self.signed),
            withheld=Withheld(self.digest, self.controls),
        )

    def frame(self) -> pd.DataFrame:
        """Return questions and answers as a pandas DataFrame, one row each, in order."""
        import pandas as pd

        rows = [
            {"section": section["title"], "id": one["id"], "question": one["words"], "answer": self.answers.get(one["id"])}
            for section in self.sections
            for one in section["questions"]
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=["section", "id", "question", "answer"])


def canonical(value: Any) -> bytes:
    """Return a value as JSON in one form alone: sorted keys, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace")
