"""Remote: a copy of what a run wrote, sent to an address through papermill's writers, where somebody asked for that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditkit.errors import AuditkitError, InputError
from auditkit.runner.paths import plain_characters

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Remote", "RemoteError", "remote"]

# scheme -> what papermill calls the client, and the extra of papermill that installs it
_CLIENTS = {
    "s3": ("S3", "s3"), "gs": ("GCSFileSystem", "gcs"), "abs": ("AzureBlobStore", "azure"), "adl": ("ADL", "azure"),
    "hdfs": ("HadoopFileSystem", "hdfs"),
}  # fmt: skip
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://([^\s/].*)")


class RemoteError(AuditkitError):
    """A copy could not be sent; what is on this machine is whole."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A place that copies are sent to; `remote` makes one.

    Attributes
    ----------
    prefix : str
        Its address, without a slash at the end.
    """

    prefix: str

    def send(self, files: Mapping[str, Path], kept: Path) -> tuple[str, ...]:
        """Write a copy of each text file under its name, in this order; return the addresses.

        Parameters
        ----------
        files : mapping
            Name below the prefix to the file.
        kept : pathlib.Path
            The folder on this machine, for the error.

        Raises
        ------
        RemoteError
            If one could not be written.
        """
        from papermill.iorw import papermill_io

        sent: list[str] = []
        for name, file in files.items():
            address = f"{self.prefix}/{name}"
            try:
                papermill_io.write(file.read_text(encoding="utf-8"), address, extensions=None)
            except Exception as error:
                said = next(iter(str(error).splitlines()), "")[:300]
                raise RemoteError(
                    f"{address} could not be written: {type(error).__name__}: {said}. Nothing is lost: all is in {kept}; {len(sent)} of {len(files)} "
                    "files were sent before. Copy them from there, or run the same again"
                ) from error
            sent.append(address)
        return tuple(sent)


def remote(address: str) -> Remote:
    """Return the place an address names, if something here can write to it. Nothing is sent.

    Parameters
    ----------
    address : str
        ``s3://bucket/prefix``, or another scheme that papermill has a writer for.

    Raises
    ------
    InputError
        If it is no such address, holds a key or climbs (".."), or what writes to it is not installed.
    """
    plain_characters(address, "--remote")
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise InputError(f"--remote takes an address such as s3://bucket/prefix; got {address!r}")
    scheme, rest = found[1].lower(), found[2]
    if set("@?#") & set(rest):
        raise InputError(
            "--remote takes an address without a user, a key or a query: credentials come from where the store's own client looks, such as its "
            "environment variables"
        )
    if ".." in rest.split("/"):
        raise InputError(f"--remote takes an address that does not climb ('..'); got {address!r}")
    from papermill import iorw

    handler = iorw.papermill_io.get_handler(f"{scheme}://{rest}")
    if scheme in ("http", "https") or isinstance(handler, iorw.LocalHandler):
        raise InputError(
            f"nothing here writes to {scheme}://; --remote takes {', '.join(f'{known}://' for known in _CLIENTS)}, or a scheme that a package registers "
            "with papermill (entry point papermill.io)"
        )
    client, extra = _CLIENTS.get(scheme, ("", ""))
    if client and not isinstance(getattr(iorw, client, None), type):
        raise InputError(f"writing to {scheme}:// needs a package: pip install 'papermill[{extra}]'")
    return Remote(f"{scheme}://{rest.rstrip('/')}")
