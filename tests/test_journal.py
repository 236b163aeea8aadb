"""The journal: what was appended is there whatever happens, and what is damaged is never taken for a record."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspector.errors import RecordingError
from inspector.journal import JournalWriter, read_journal

HEAD_BYTES = 8


def write(path: Path, records: list[bytes]) -> bytes:
    with JournalWriter(path) as journal:
        for record in records:
            journal.append(record)
    return path.read_bytes()


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=st.lists(st.binary(max_size=300), max_size=12), data=st.data())
def test_a_journal_cut_anywhere_gives_the_records_before_the_cut(
    tmp_path: Path, records: list[bytes], data: st.DataObject
) -> None:
    path = tmp_path / "journal"
    path.unlink(missing_ok=True)
    content = write(path, records)
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut])
    whole, end = 0, 0
    while whole < len(records) and end + HEAD_BYTES + len(records[whole]) <= cut:
        end += HEAD_BYTES + len(records[whole])
        whole += 1
    assert list(read_journal(path)) == records[:whole]
    with JournalWriter(path) as journal:
        assert (journal.record_count, journal.torn_bytes) == (whole, cut - end)
        journal.append(b"next")
    assert list(read_journal(path)) == [*records[:whole], b"next"]


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    records = [b"", b"a", bytes(range(40)), b"\0" * 20]
    path = tmp_path / "journal"
    content = write(path, records)
    ends = [0]
    for record in records:
        ends.append(ends[-1] + HEAD_BYTES + len(record))
    for place in range(len(content)):
        damaged_record = sum(end <= place for end in ends) - 1
        for bit in range(8):
            spoilt = bytearray(content)
            spoilt[place] ^= 1 << bit
            path.write_bytes(spoilt)
            assert list(read_journal(path)) == records[:damaged_record]


def test_zeros_at_the_end_are_no_records(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(write(path, [b"a row"]) + bytes(4096))
    assert list(read_journal(path)) == [b"a row"]


def test_a_journal_has_one_writer_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with JournalWriter(path), pytest.raises(RecordingError, match="still being recorded"):
        JournalWriter(path)
    JournalWriter(path).close()


def test_a_record_that_the_disk_refuses_leaves_the_journal_whole(tmp_path: Path) -> None:
    # A real limit on file size in a process of its own: the system takes a part of the record and refuses the rest.
    path = tmp_path / "journal"
    code = (
        "import resource, sys\n"
        "from inspector.journal import JournalWriter\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "journal = JournalWriter(sys.argv[1])\n"
        "for number in range(20):\n"
        "    try:\n"
        "        journal.append(bytes([number]) * 90)\n"
        "    except Exception as error:\n"
        "        print(type(error).__name__, error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert path.stat().st_size == 10 * (HEAD_BYTES + 90)
    assert list(read_journal(path)) == [bytes([number]) * 90 for number in range(10)]
    errors = run.stdout.splitlines()
    assert len(errors) == 10
    assert all(
        error == f"RecordingError {path} cannot be written: File too large; {error.split('; ')[1]}" for error in errors
    )


def test_a_journal_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"nowhere.*No such file"):
        JournalWriter(tmp_path / "nowhere" / "journal")
    with pytest.raises(RecordingError, match=r"nowhere.*cannot be read"):
        list(read_journal(tmp_path / "nowhere"))


def test_closing_a_journal_can_delete_it(tmp_path: Path) -> None:
    journal = JournalWriter(tmp_path / "journal")
    journal.close(delete=True)
    assert os.listdir(tmp_path) == []
