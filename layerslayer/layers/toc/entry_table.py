"""Entries of a publisher's index in columns: some 120 bytes each, whatever objects they would take. Pure.

Large layers' tables have hundreds of thousands; they are made entries one by
one, when somebody asks for them. What they take is leased from what the
process may hold.
"""

from __future__ import annotations

from array import array
from typing import Dict, List, Mapping, Sequence, Tuple, Union, overload

from ...errors import CorruptLayer
from ...formats.entry import Device, Entry, too_long
from ...formats.memory import Lease
from ...limits import DEFAULT, Limits

_NO_XATTRS: Mapping[str, bytes] = {}
_Owner = Tuple[int, int, str, str]
_LEASED_AT_ONCE = 512  # entries
_OWNER, _RARE = 350, 400  # bytes of memory that an owner takes, and what few entries have


class EntryTable(Sequence[Entry]):
    """Entries, the offset of the n-th being ``-2 - n``, and none hidden."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self._texts = bytearray()  # names and targets, UTF-8 with surrogates passed
        self._ends = array("I")  # two for each entry: where its name ends, and its target
        self._kinds = bytearray()
        self._modes = array("H")
        self._owners = array("I")  # which of these
        self._owner_list: List[_Owner] = []
        self._owner_codes: Dict[_Owner, int] = {}
        self._sizes = array("q")
        self._times = array("d")  # exact for whole seconds, and as exact as they were read else
        self._devices: Dict[int, Device] = {}
        self._xattrs: Dict[int, Mapping[str, bytes]] = {}
        self._lease = Lease(limits)
        self._leased = self._counted = 0
        self._rare = 0  # bytes of what few entries have

    def append(self, entry: Entry) -> None:
        """Take the next entry. Raises CorruptLayer and LimitReached."""
        index = len(self._kinds)
        odd = too_long(entry.name, entry.target, entry.uname, entry.gname)
        if odd:
            raise CorruptLayer("index", index, "the entry there has " + odd)
        self._texts += entry.name.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._texts))
        self._texts += entry.target.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._texts))
        self._kinds.append(ord(entry.kind))
        self._modes.append(entry.mode)
        self._owners.append(self._owner(entry))
        self._sizes.append(entry.size)
        self._times.append(entry.mtime)
        if entry.device is not None:
            self._devices[index] = entry.device
            self._rare += _RARE
        if entry.xattrs:
            self._xattrs[index] = entry.xattrs
            self._rare += sum(_RARE + len(key) + len(value) for key, value in entry.xattrs.items())
        if index % _LEASED_AT_ONCE == 0 or self._rare > self._leased:
            self.lease()

    def _owner(self, entry: Entry) -> int:
        owner = (entry.uid, entry.gid, entry.uname, entry.gname)
        code = self._owner_codes.get(owner)
        if code is None:
            code = self._owner_codes[owner] = len(self._owner_list)
            self._owner_list.append(owner)
            self._rare += _OWNER + 4 * (len(entry.uname) + len(entry.gname))
        return code

    def lease(self, besides: int = 0) -> None:
        """Count what all takes, and ``besides``, as held. Raises LimitReached."""
        memory = besides + self._rare + len(self._texts) * 9 // 8 + 36 * len(self._kinds)
        if memory > self._leased:
            self._lease.take(memory - self._leased, len(self._kinds) - self._counted)
            self._leased, self._counted = memory, len(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)

    @overload
    def __getitem__(self, index: int) -> Entry: ...

    @overload
    def __getitem__(self, index: slice) -> List[Entry]: ...

    def __getitem__(self, index: Union[int, slice]) -> Union[Entry, List[Entry]]:
        if isinstance(index, slice):
            return [self._entry(place) for place in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self._entry(index % len(self))

    def _entry(self, index: int) -> Entry:
        uid, gid, uname, gname = self._owner_list[self._owners[index]]
        time = self._times[index]
        begin = self._ends[2 * index - 1] if index else 0
        between, end = self._ends[2 * index], self._ends[2 * index + 1]
        return Entry(
            self._text(begin, between),
            chr(self._kinds[index]),
            self._modes[index],
            uid,
            gid,
            self._sizes[index],
            int(time) if time.is_integer() else time,
            self._text(between, end) if end > between else "",
            uname,
            gname,
            self._devices.get(index),
            self._xattrs.get(index, _NO_XATTRS),
            -2 - index,
            False,
        )

    def _text(self, begin: int, end: int) -> str:
        return self._texts[begin:end].decode("utf-8", "surrogatepass")
