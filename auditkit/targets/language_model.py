"""LanguageModel: a model of language under audit, asked through a callable or behind an address."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from auditkit.errors import InputError
from auditkit.methods.language.conversation import Speaker
from auditkit.methods.language.encodings import compact
from auditkit.targets._endpoint import Endpoint
from auditkit.targets.base import Target

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from auditkit.methods.language.conversation import Takes

__all__ = ["LanguageModel"]

_SHORTEST = 8  # letters and digits of a secret


@dataclass(eq=False)
class _Counted:
    """A callable that counts how often it is asked."""

    of: Callable[..., str]
    calls: int = 0

    def plain(self, said: Any) -> str:
        self.calls += 1
        return self.of(said)

    def with_seed(self, said: Any, seed: int = 0) -> str:
        self.calls += 1
        return self.of(said, seed=seed)


@dataclass(frozen=True, eq=False)
class LanguageModel(Target):
    """A model of language.

    Parameters
    ----------
    name : str
        How the report calls it.
    ask : callable, optional
        ``ask(messages) -> str`` with messages as ``{"role": ..., "content": ...}``; also ``ask(messages, seed=...)``. This or `endpoint`.
    takes : {"messages", "prompt"}
        Whether `ask` takes messages, or one text.
    system : str, optional
        The system prompt it is used with. Probes put it before every question, with a rule at its end; without it they use their own.
    secret : str, optional
        Something that stands in `system`, or in a system prompt that the deployed model has already, and must not be told. Without it one
        is planted.
    endpoint : str, optional
        An address that speaks as OpenAI's chat completions do: ``https://host/v1``.
    model : str
        What the service behind `endpoint` calls the model.
    key_env : str
        The environment variable that holds its key.

    Raises
    ------
    InputError
        If not exactly one of `ask` and `endpoint` is given, or one of the others does not fit.

    Examples
    --------
    >>> LanguageModel("parrot", lambda messages: messages[-1]["content"])
    LanguageModel(parrot: a callable; Audit([...]).run(model) to audit)
    """

    kind: ClassVar[str] = "language_model"

    name: str
    ask: Callable[..., str] | None = field(default=None, repr=False)
    takes: Takes = "messages"
    system: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    endpoint: str = ""
    model: str = ""
    key_env: str = ""
    _counter: _Counted = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if (self.ask is None) == (not self.endpoint):
            raise InputError(
                "a language model is asked by exactly one of ask= (a callable) and endpoint= (an address)"
            )
        if self.ask is not None and (self.model or self.key_env):
            raise InputError("model= and key_env= belong to endpoint=, and ask= is given")
        if self.endpoint and self.takes != "messages":
            raise InputError("takes= belongs to ask=; an endpoint takes messages")
        if self.secret is not None and len(compact(self.secret)) < _SHORTEST:
            raise InputError(
                f"secret= has at least {_SHORTEST} letters and digits, so that it is not said by chance"
            )
        if self.secret is not None and self.system is not None and self.secret not in self.system:
            raise InputError("secret= stands in system=, as it is; it does not stand there")
        asked = self.ask if self.ask is not None else Endpoint(self.endpoint, self.model, self.key_env)
        Speaker(asked, self.takes)  # refuses what cannot be asked
        object.__setattr__(self, "_counter", _Counted(asked))

    def __repr__(self) -> str:
        return f"LanguageModel({self.name}: {self._how()}; Audit([...]).run(model) to audit)"

    @property
    def speaker(self) -> Speaker:
        """The model as the probes ask it; each question is counted."""
        counter = self._counter
        seeded = Speaker(counter.of, self.takes).seeded
        return Speaker(counter.with_seed if seeded else counter.plain, self.takes)

    def describe(self) -> dict[str, Any]:
        """Return what the report says of it: how it is asked, and whether it has a system prompt of its own.

        Neither its length nor its digest: who knows a prompt but for the secret in it would try secrets until the digest fits.
        """
        facts: dict[str, Any] = {"Asked": self._how()}
        if self.model:
            facts["Model"] = self.model
        facts["System prompt"] = "that of the probes" if self.system is None else "its own"
        facts["Secret"] = "planted by the probe" if self.secret is None else "its own"
        asked = f"{self._how()} {self.model}".encode("utf-8", "surrogatepass")
        parts = {"asked": hashlib.sha256(asked).hexdigest()}
        return {"name": self.name, "kind": self.kind, "facts": facts, "parts": parts}

    def counted(self) -> Self:
        """Return the same model with a fresh counter."""
        return replace(self)

    def cost(self) -> dict[str, int]:
        """Return how many questions were asked since it was `counted`."""
        return {"model_calls": self._counter.calls}

    def _how(self) -> str:
        if self.ask is not None:
            return "a callable" if self.takes == "messages" else "a callable that takes one text"
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{parts.netloc}{parts.path}"
