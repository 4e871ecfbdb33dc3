"""The file of a backup: a tar archive of parts, each with its digest in the manifest, which is written last.

`tar -xf FILE` unpacks it as well. What is in it and what it was made of: ops/backup/manifest.py.
"""

import errno
import hashlib
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, BinaryIO

import msgspec

from config.text_files import text_in
from ops.backup.manifest import MANIFEST, PARTS, Manifest, Part, read_manifest
from ops.backup.unfinished import hold, unfinished
from ops.errors import BackupBroken, CannotBackUp
from utils.command_line import interrupted_by_signals

CHUNK_BYTES = 2**20
Progress = Callable[[int], object]


class Writer:
    """Adds parts whose sizes are not known before."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.parts: dict[str, Part] = {}

    def add(self, name: str, source: IO[bytes], progress: Progress = lambda _: None) -> Part:
        """Add what the source has until its end. progress: is told how many bytes there are so far."""
        start = self._file.tell()
        self._file.write(_header(name, 0))  # its place: the size comes afterwards
        digest, size = hashlib.sha256(), 0
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            self._file.write(chunk)
            progress(size)
        self._file.write(bytes(-size % tarfile.BLOCKSIZE))
        end = self._file.tell()
        self._file.seek(start)
        self._file.write(_header(name, size))
        self._file.seek(end)
        self.parts[name] = Part(size, digest.hexdigest())
        return self.parts[name]

    def close(self, manifest: bytes) -> None:
        """Add the manifest, and the archive's end."""
        self._file.write(_header(MANIFEST, len(manifest)))
        self._file.write(manifest + bytes(-len(manifest) % tarfile.BLOCKSIZE))
        self._file.write(bytes(2 * tarfile.BLOCKSIZE))
        self._file.flush()
        os.fsync(self._file.fileno())


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, int(datetime.now(UTC).timestamp())
    return info.tobuf(tarfile.GNU_FORMAT)


@contextmanager
def written(path: Path) -> Iterator[Writer]:
    """Write an archive beside its name, and rename it at the end. Whatever fails leaves nothing, nor does a stop."""
    if path.exists():
        raise CannotBackUp(f"{path} exists: give another name, or move it away")
    new = unfinished(path)
    try:
        with interrupted_by_signals(), _held(new) as file:
            yield Writer(file)
            file.flush()
            new.rename(path)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise CannotBackUp(f"the disk of {path.parent} is full: make room, or write the backup elsewhere") from None
        raise CannotBackUp(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        new.unlink(missing_ok=True)


@contextmanager
def _held(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that its owner alone may read."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as file:
        hold(file)
        yield file


class Archive:
    """A backup that is there. What is not a whole one raises BackupBroken."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._tar = tarfile.open(path, "r:")  # noqa: SIM115 it stays open until close()
            self._members = {member.name: member for member in self._tar}
        except OSError as error:
            raise BackupBroken(f"{path}: {error.strerror or error}") from None
        except tarfile.TarError as error:
            raise BackupBroken(f"{path} is no backup, or not the whole of one: {error}") from None
        self._refuse_strange_members()
        self.manifest: Manifest = read_manifest(path, self._manifest())
        self._refuse_missing_parts()

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self._tar.close()

    def text(self, name: str) -> str | None:
        """Return a part as text, or None where the backup has no such part."""
        try:
            return text_in(self._bytes(name)) if name in self._members else None
        except ValueError as error:
            raise BackupBroken(f"{self.path}: {name} in it cannot be read: {error}") from None

    def copy(self, name: str, to: IO[bytes] | None = None, progress: Progress = lambda _: None) -> None:
        """Copy a part, and compare its digest with the manifest's. Without `to` it is only compared."""
        source, digest, done = self._open(name), hashlib.sha256(), 0
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            if to:
                to.write(chunk)
            progress(done)
        if (done, digest.hexdigest()) != msgspec.structs.astuple(self.manifest.parts[name]):
            raise BackupBroken(f"{self.path} is damaged: {name} in it is not what was written")

    def _bytes(self, name: str) -> bytes:
        return self._open(name).read()

    def _open(self, name: str) -> IO[bytes]:
        source = self._tar.extractfile(self._members[name])
        assert source is not None, "members are files, see _refuse_strange_members"
        return source

    def _refuse_strange_members(self) -> None:
        for name, member in self._members.items():
            if name not in (*PARTS, MANIFEST) or not member.isfile():
                raise BackupBroken(f"{self.path} is no backup: it has {name!r}, which no backup has")

    def _manifest(self) -> bytes:
        if MANIFEST not in self._members:
            raise BackupBroken(f"{self.path} is no backup, or not the whole of one: it ends without {MANIFEST}")
        return self._bytes(MANIFEST)

    def _refuse_missing_parts(self) -> None:
        for name, part in self.manifest.parts.items():
            if name not in self._members or self._members[name].size != part.size:
                raise BackupBroken(f"{self.path} is not the whole of a backup: {name} is missing or cut off")
        for name in self._members.keys() - self.manifest.parts.keys() - {MANIFEST}:
            raise BackupBroken(f"{self.path} is damaged: its manifest does not know {name}")
