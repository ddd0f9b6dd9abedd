"""A .zip archive of image files, which are read where they lie."""

import collections
import io
import os
import stat
import zipfile
import zlib

from kerasgan.datasets._decode import HEADER, IMAGE_SUFFIXES, is_image, kind_of

_SMALL = 2**24  # bytes of a member that is read at once
_LARGEST = 2**29  # bytes of a member: 8 for each pixel that a picture may have
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack without a bound


class Archive:
    """The image files in a .zip archive; attributes as in `Folder`.

    Names that begin with a dot and links are passed over. If everything lies in one folder, that
    folder is the `top`.

    Raises:
        Exception: `zipfile` raises almost anything for a damaged archive.
    """

    def __init__(self, path):
        status = os.stat(path)
        self.key = (path, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        self._zip = zipfile.ZipFile(path)
        self._members = {}
        for info in self._zip.infolist():
            path = info.filename.replace("\\", "/")  # as some programs on Windows write it
            parts = [part for part in path.split("/") if part not in ("", ".")]
            is_hidden = any(part.startswith(".") for part in parts)
            is_link = stat.S_ISLNK(info.external_attr >> 16)
            if parts and not (path.endswith("/") or is_hidden or is_link):
                self._members["/".join(parts)] = info
        tops = {name[: name.find("/") + 1] for name in self._members}
        self.top = tops.pop() if len(tops) == 1 else ""

        self.files, self.problems, kinds = [], {}, collections.Counter()
        for name, info in sorted(self._members.items(), key=lambda item: os.fsencode(item[0])):
            reason = _refusal(info)
            is_named = name.lower().endswith(IMAGE_SUFFIXES)
            if is_named and reason:
                self.problems[name] = reason
            elif is_named or (not reason and self._is_image(info)):
                self.files.append((name, info.file_size, ""))
            else:
                kinds[kind_of(name)] += 1
        self.others = dict(sorted(kinds.items()))

    def close(self):
        """Closes the archive."""
        self._zip.close()

    def open(self, name):
        """Opens a member as a binary stream; raises OSError, or ValueError if it is damaged."""
        if name not in self._members:
            raise FileNotFoundError(name)
        info = self._members[name]
        if not info.file_size:
            raise ValueError("the file is empty")
        reason = _refusal(info)
        if reason:
            raise ValueError(reason)
        try:
            stream = self._zip.open(info)
            if info.file_size > _SMALL:
                return stream
            with stream:
                return io.BytesIO(stream.read())  # at most `file_size` bytes, with their checksum
        except (EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(f"the file is damaged: {error or 'its end is missing'}") from error

    def _is_image(self, info):
        try:
            with self._zip.open(info) as stream:
                return is_image(stream.read(HEADER))
        except (EOFError, NotImplementedError, OSError, zipfile.BadZipFile, zlib.error):
            return False


def _refusal(info):
    """Why a member is not read; None if it is."""
    if info.flag_bits & 1:
        return "encrypted"
    if info.compress_type not in _METHODS:
        return "packed with another method than Deflate"
    if info.file_size > _LARGEST:
        return f"{info.file_size:,} bytes, more than the limit of {_LARGEST:,}"
    return None
