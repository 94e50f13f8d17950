"""Forms: what people write down and sign about a system, as validated TOML."""

from auditkit.forms.asked import Kind
from auditkit.forms.form import Form, Signed
from auditkit.forms.kinds import kind_names, load_kind
from auditkit.forms.reading import load_form
from auditkit.forms.writing import to_toml

__all__ = ["Form", "Kind", "Signed", "kind_names", "load_form", "load_kind", "to_toml"]
