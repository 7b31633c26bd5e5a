"""Headers that are not true of their files: what recorders, samplers and pipes write."""

import io
import struct
import tracemalloc

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from gancli.data.member import BadMember, Member
from gancli.modalities.audio.decode import scan
from gancli.modalities.audio.layout import find_sound
from gancli.modalities.audio.reader import read_header

COUNT = 4000
WAVE = np.clip(np.random.default_rng(0).normal(size=COUNT) * 0.1, -1, 1)
PCM = (WAVE * 32767).astype("<i2").tobytes()
BIG_ENDIAN = (WAVE * 32767).astype(">i2").tobytes()
ALL = 0xFFFFFFFF


def member(data: bytes) -> Member:
    return Member("a.wav", len(data), 0, lambda: io.BytesIO(data))


def decoded(data: bytes) -> tuple[np.ndarray, str]:
    """Return the samples in these bytes, scaled to a peak of 1, and what is said of them."""
    recording = scan(member(data), 8000, 1, False)
    return np.concatenate(list(recording.pieces()))[:, 0], recording.remark


def chunk(name, content, size=None, pad=True, order="<"):
    length = struct.pack(order + "I", len(content) if size is None else size)
    return name + length + content + b"\0" * (len(content) % 2 and pad)


def pcm_format(frame=2, bits=16, tag=1, rate=16_000, order="<"):
    """Return what a fmt chunk holds: one channel at 8 kHz, and ``rate`` bytes a second."""
    return struct.pack(order + "HHIIHH", tag, 1, 8000, rate, frame, bits)


FMT = chunk(b"fmt ", pcm_format())
DATA = chunk(b"data", PCM)
LIST = chunk(b"LIST", b"INFOISFT\x0e\0\0\0Lavf58.29.100\0")


def wav(*chunks, size=None, magic=b"RIFF", tail=b"", order="<"):
    body = b"WAVE" + b"".join(chunks)
    length = struct.pack(order + "I", len(body) if size is None else size)
    return magic + length + body + tail


def rf64(sizes, *more, data_size=ALL, magic=b"RF64"):
    ds64 = [chunk(b"ds64", sizes)] if sizes else []
    return wav(*ds64, FMT, *more, chunk(b"data", PCM, data_size), magic=magic, size=ALL)


def aiff(frames=COUNT, sound_size=None, size=None, before=b"", after=b"", content=BIG_ENDIAN,
         skip=0, kind=b"AIFF", more=b"", bits=16):
    common = struct.pack(">hIh", 1, frames, bits) + bytes.fromhex("400bfa00000000000000") + more
    sound = struct.pack(">II", skip, 0) + bytes(skip) + content
    body = b"".join((kind, chunk(b"COMM", common, order=">"), before,
                     chunk(b"SSND", sound, sound_size, order=">"), after))
    return b"FORM" + struct.pack(">I", len(body) if size is None else size) + body


def au(size=2 * COUNT, start=24, note=b"", order=">"):
    magic, data = (b".snd", BIG_ENDIAN) if order == ">" else (b"dns.", PCM)
    return magic + struct.pack(order + "5I", start, size, 3, 8000, 1) + note + data


def written(form, subtype=None):
    out = io.BytesIO()
    soundfile.write(out, WAVE, 8000, format=form, subtype=subtype)
    return out.getvalue()


def patched(data, *places):
    """Return the data with other bytes at some places."""
    for place, content in places:
        data = data[:place] + content + data[place + len(content) :]
    return data


def of_sizes(riff, data):
    return wav(FMT, chunk(b"data", PCM, data), size=riff)


LENGTH = len(PCM)
SIZES = {
    # What the RIFF chunk and the data chunk claim; None is the truth.
    "nothing": (0, 0), "an empty file": (36, 0), "nothing of the sound": (None, 0),
    "everything": (ALL, ALL), "everything but the header": (ALL, ALL - 36),
    "nothing of the file": (0, None), "everything of the file": (ALL, None),
    "everything of the sound": (None, ALL), "sox and espeak to a pipe": (0x7FFFF024, 0x7FFFF000),
    "arecord": (0x80000024, 0x80000000), "31 bits": (0x7FFFFFFF, 0x7FFFFFFF - 36),
    "a round number": (0x20000024, 0x20000000), "a short file": (100, None),
    "a long file": (10**6, None), "half the sound": (None, LENGTH // 2),
    "samples for bytes": (36 + LENGTH // 2, LENGTH // 2), "a part of a file": (136, 100),
    "the file's size for the sound's": (None, LENGTH + 44), "RIFF's for the sound's":
    (None, LENGTH + 36), "a long sound in a file that is whole": (None, 10**6),
    "a long sound in a file of any size": (ALL, 10**6), "a byte too many": (None, LENGTH + 1),
}
SIZES_64 = struct.pack("<QQQI", LENGTH + 72, LENGTH, COUNT, 0)
CHUNKS = {
    "bext": chunk(b"bext", bytes(602) + b"A=PCM\r\n"), "iXML": chunk(b"iXML", b"<BWFXML/>"),
    "LIST": LIST, "empty LIST": chunk(b"LIST", b""),
    "smpl": chunk(b"smpl", struct.pack("<15I", 0, 0, 125_000, 60, 0, 0, 0, 1, 0, *range(6))),
    "smpl cut short": chunk(b"smpl", bytes(20)), "acid cut short": chunk(b"acid", bytes(7)),
    "PEAK cut short": chunk(b"PEAK", bytes(4)),
    # It holds the name of another chunk.
    "cue": chunk(b"cue ", struct.pack("<4I", 1, 1, 0, 10) + b"data" + bytes(12)),
    "id3": chunk(b"id3 ", b"ID3\3\0\0\0\0\0\nTIT2\0\0\0"), "PAD": chunk(b"PAD ", bytes(4)),
    "FLLR": chunk(b"FLLR", bytes(4044)), "JUNK": chunk(b"JUNK", bytes(28)),
    "fact": chunk(b"fact", bytes(4)), "PEAK": chunk(b"PEAK", struct.pack("<IIfI", 1, 0, 1, 5)),
    "cart": chunk(b"cart", bytes(2048)), "a name of zeros": chunk(b"\0\0\0\0", bytes(4)),
    "a name beyond ASCII": chunk(b"\xe9tag", bytes(4)), "large": chunk(b"bext", bytes(100_000)),
}
GUID = bytes.fromhex("000000001000800000aa00389b71")


def extensible(tag=1, frame=2, bits=16, used=16, extra=22, mask=4):
    fields = struct.pack("<HHI", extra, used, mask) + struct.pack("<H", tag) + GUID
    return pcm_format(frame, bits, 0xFFFE, 8000 * frame) + fields


INT32 = (WAVE * 2**31).astype("<i4").tobytes()
FLOAT = WAVE.astype("<f4").tobytes()
INT24 = np.frombuffer(INT32, "u1").reshape(-1, 4)[:, 1:].tobytes()
FORMATS = {
    "extensible": (extensible(), PCM), "no mask": (extensible(mask=0), PCM),
    "any mask": (extensible(mask=ALL), PCM), "12 bits": (extensible(used=12), PCM),
    "0 bits": (extensible(used=0), PCM), "no extension": (extensible(extra=0), PCM),
    "extensible of 18 bytes": (extensible()[:18], PCM),
    "extensible of 16 bytes": (extensible()[:16], PCM),
    "no subformat": (extensible()[:24] + bytes(16), PCM),
    "floats": (extensible(3, 4, 32, 32), FLOAT), "24 of 32 bits": (extensible(1, 4, 32, 24), INT32),
    "plain 24 of 32 bits": (pcm_format(4, 24, rate=32_000), INT32),
    "24 bits": (pcm_format(3, 24, rate=24_000), INT24),
    "20 of 24 bits": (pcm_format(3, 20, rate=24_000), INT24),
    "12 of 16 bits": (pcm_format(2, 12), PCM), "14 bytes": (pcm_format()[:14], PCM),
    "frames of no bytes": (pcm_format(0), PCM), "frames of 4 bytes": (pcm_format(4), PCM),
    "frames of 1 byte": (pcm_format(1), PCM), "no bytes a second": (pcm_format(rate=0), PCM),
    "no bits": (pcm_format(bits=0), PCM), "no encoding": (pcm_format(tag=0), PCM),
    "floats without bits": (pcm_format(4, 0, 3, 32_000), FLOAT),
    "an extension that is not there": (pcm_format() + b"\x16\0", PCM),
    **{f"{16 + n} bytes": (pcm_format() + bytes(n), PCM) for n in (1, 2, 3, 4, 8, 12, 24, 184)},
}
CAF, W64, FLAC = written("CAF"), written("W64"), written("FLAC")
CAF_SIZE, W64_SIZE = CAF.index(b"data") + 4, W64.index(b"data\xf3") + 16
HALF = LENGTH // 2
ID3 = b"ID3\3\0\0\0\0\0\n" + bytes(10)
EIGHT_BITS = ((WAVE + 1) * 127).astype("u1").tobytes()[:-1]
FMT_8 = chunk(b"fmt ", pcm_format(1, 8, rate=8000))

WHOLE = {
    **{f"sizes of {name}": of_sizes(*sizes) for name, sizes in SIZES.items()},
    "ffmpeg to a pipe": wav(FMT, LIST, chunk(b"data", PCM, ALL), size=ALL),
    "gstreamer to a pipe": wav(FMT, chunk(b"data", PCM, 0), LIST, size=0),
    "two odd chunks after any size": wav(FMT, chunk(b"data", PCM, ALL), chunk(b"iXML", b"<a></a>"),
                                         chunk(b"id3 ", b"ID3", pad=False), size=ALL),
    **{f"{name} {place}": wav(*chunks) for name, extra in CHUNKS.items() for place, chunks in {
        "first": (extra, FMT, DATA), "before": (FMT, extra, DATA), "after": (FMT, DATA, extra),
    }.items()},
    **{f"fmt of {name}": wav(chunk(b"fmt ", content), chunk(b"data", data))
       for name, (content, data) in FORMATS.items()},
    **{f"{magic.decode()} {name}": rf64(sizes, magic=magic, data_size=size)
       for magic in (b"RF64", b"BW64") for name, (sizes, size) in {
           "whole": (SIZES_64, ALL), "without counts": (SIZES_64[:24], ALL),
           "with the size of the sound": (SIZES_64, LENGTH), "of nothing": (bytes(28), ALL),
           "of everything": (b"\xff" * 24 + bytes(4), ALL), "without sizes": (b"", ALL),
           "with a table": (SIZES_64[:24] + struct.pack("<I4sQ", 1, b"bext", 4), ALL),
       }.items()},
    "BW64 with axml": rf64(SIZES_64, chunk(b"chna", bytes(7)), chunk(b"axml", b"<a/>"),
                           magic=b"BW64"),
    "RIFX": wav(chunk(b"fmt ", pcm_format(order=">"), order=">"), chunk(
        b"data", BIG_ENDIAN, ALL, order=">"), magic=b"RIFX", order=">"),
    "odd chunk without padding": wav(FMT, chunk(b"iXML", b"<a></b>", pad=False), DATA),
    "odd fmt without padding": wav(chunk(b"fmt ", pcm_format() + b"\0", pad=False), DATA),
    "fmt of no size": wav(chunk(b"fmt ", pcm_format(), 0), DATA),
    "fmt of two bytes too many": wav(chunk(b"fmt ", pcm_format(), 18), DATA),
    "LIST of two bytes too many": wav(FMT, chunk(b"LIST", b"INFOISFT\4\0\0\0abcd", 18), DATA),
    "LIST of two bytes too few": wav(FMT, chunk(b"LIST", b"INFOISFT\4\0\0\0abcd", 14), DATA),
    "bext of the wrong size": wav(chunk(b"bext", bytes(610), 602), FMT, DATA),
    "LIST of everything": wav(FMT, chunk(b"LIST", b"INFO", ALL), DATA),
    "LIST cut short at the end": wav(FMT, DATA, chunk(b"LIST", b"INFO", 5000)),
    "two fmt": wav(FMT, FMT, DATA), "fmt after data": wav(DATA, FMT),
    "two data": wav(FMT, chunk(b"data", PCM[:HALF]), LIST, chunk(b"data", PCM[HALF:])),
    "empty data": wav(FMT, chunk(b"data", b""), DATA),
    "two files in one": wav(FMT, chunk(b"data", PCM[:HALF])) + wav(FMT, chunk(b"data", PCM[HALF:])),
    "two files of different kinds": wav(FMT, DATA) + wav(FMT_8, chunk(b"data", EIGHT_BITS)),
    "ID3 before": ID3 + wav(FMT, DATA),
    **{f"{name} behind": wav(FMT, DATA, tail=tail) for name, tail in {
        "a byte": b"\0", "a sector": bytes(4096), "ID3v1": b"TAG" + bytes(125), "ID3v2": ID3,
        "APE": b"APETAGEX" + bytes(40), "noise": np.random.default_rng(1).bytes(500),
        "a new line": b"\r\n", "64 KiB": bytes(1 << 16), "text": b"-- end of the file --\n",
    }.items()},
    "ID3v1 counted": wav(FMT, DATA, b"TAG" + bytes(125)),
    "AIFF": aiff(), "AIFF of nothing": aiff(0, 0, 0), "AIFF of an empty file": aiff(0, 8, 46),
    "AIFF of everything": aiff(ALL, ALL, ALL),
    "AIFF of sox to a pipe": aiff(0x3F800000, 0x7F000008, 0x7F00002E),
    "AIFF of no size": aiff(COUNT, 0), "AIFF of no frames": aiff(0),
    "AIFF of half the frames": aiff(COUNT // 2), "AIFF of no file size": aiff(size=0),
    "AIFF skipping bytes": aiff(skip=16), "AIFF of 31 bits": aiff(0x7FFFFFFF, 0x7FFFFFFF),
    "AIFF name without padding": aiff(before=chunk(b"NAME", b"abc", pad=False, order=">")),
    "AIFF zeros before": aiff(before=bytes(8)), "AIFF bytes before": aiff(before=b"\xff\xfe\xfd"),
    "AIFF ID3": aiff(after=chunk(b"ID3 ", ID3 + b"\0", order=">")),
    "AIFF of floats": aiff(ALL, ALL, ALL, content=WAVE.astype(">f4").tobytes(), kind=b"AIFC",
                           more=b"fl32\0\0", bits=32),
    "AU": au(), "AU of everything": au(ALL), "AU of nothing": au(0), "AU of half": au(LENGTH // 2),
    "AU to a pipe": au(0x7FFFF000), "AU of all but its header": au(ALL - 24),
    "AU with a note": au(ALL, 32, b"a note\0\0"), "AU of little endian": au(ALL, order="<"),
    "CAF of everything": patched(CAF, (CAF_SIZE, b"\xff" * 8)),
    "CAF of nothing": patched(CAF, (CAF_SIZE, bytes(8))),
    "W64 of everything": patched(W64, (16, b"\xff" * 8), (W64_SIZE, b"\xff" * 8)),
    "W64 of nothing": patched(W64, (16, bytes(8)), (W64_SIZE, bytes(8))),
    "W64 of an empty file": patched(W64, (W64_SIZE, struct.pack("<Q", 24))),
    "FLAC of nothing": patched(FLAC, (21, bytes([FLAC[21] & 0xF0])), (22, bytes(4))),
    "FLAC of everything": patched(FLAC, (21, bytes([FLAC[21] | 0x0F])), (22, b"\xff" * 4)),
    "FLAC with a tag behind": FLAC + b"TAG" + bytes(125),
    "NIST SPHERE": written("NIST"), "VOC": written("VOC"), "8SVX": written("SVX"),
    "IRCAM": written("IRCAM"), "AVR": written("AVR"), "PVF": written("PVF"),
    "Wave64": W64, "CAF": CAF, "ALAC": written("CAF", "ALAC_16"),
}


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE.keys())
def test_all_of_the_sound_is_read_and_nothing_is_said(data):
    samples, remark = decoded(data)
    assert remark == ""
    assert len(samples) == COUNT
    centered = WAVE - WAVE.mean()
    assert samples == pytest.approx(centered / np.abs(centered).max(), abs=2e-3)


@pytest.mark.parametrize("after", [b"", b"\0", LIST, b"\0" + LIST])
def test_an_odd_number_of_bytes(after):
    samples, remark = decoded(wav(FMT_8, chunk(b"data", EIGHT_BITS, pad=False), after))
    assert (len(samples), remark) == (COUNT - 1, "")


@pytest.mark.parametrize("subtype", ["ULAW", "ALAW", "MS_ADPCM", "IMA_ADPCM", "GSM610", "G721_32"])
@pytest.mark.parametrize("size", [bytes(4), b"\xff" * 4])
def test_compressed_waves_of_unknown_size(subtype, size):
    data = written("WAV", subtype)
    whole, _ = decoded(data)
    unknown, remark = decoded(patched(data, (4, size), (data.index(b"data") + 4, size)))
    assert remark == "" and np.array_equal(unknown, whole) and len(whole) >= COUNT


def test_mp3_in_a_wave():
    mp3 = written("MP3")
    fmt = pcm_format(1, 0, 0x55, 4000) + struct.pack("<HHIHHH", 12, 1, 2, 576, 1, 1393)
    samples, remark = decoded(wav(chunk(b"fmt ", fmt), chunk(b"data", mp3, ALL), size=ALL))
    assert remark == "" and np.array_equal(samples, decoded(mp3)[0])


SHORT = {
    "WAV": wav(FMT, DATA), "24 bits": WHOLE["fmt of 24 bits"], "W64": W64, "CAF": CAF,
    "AIFF": aiff(), "AU": au(), "RF64": rf64(SIZES_64), "LIST": wav(FMT, LIST, DATA),
}


@pytest.mark.parametrize("data", SHORT.values(), ids=SHORT.keys())
def test_a_file_that_lost_its_end_is_said_to_be_cut_short(data):
    samples, remark = decoded(data[: len(data) * 3 // 4])
    assert remark == "it is cut short, or its header claims more than it contains"
    assert COUNT / 2 < len(samples) < COUNT


def test_data_that_is_empty_is_empty():
    for data in (wav(FMT, chunk(b"data", b"")), wav(FMT, chunk(b"data", b""), LIST)):
        with pytest.raises(BadMember, match="contains no samples"):
            decoded(data)


def test_more_than_4_gib(tmp_path):
    path, gigabytes = tmp_path / "long.wav", 5 << 30
    head = wav(FMT, chunk(b"data", b"", (gigabytes - 44) & ALL), size=(gigabytes - 8) & ALL)
    with open(path, "wb") as file:
        file.write(head)
        file.truncate(gigabytes)  # takes no space
    with open(path, "rb") as file:
        layout = find_sound(file, gigabytes)
        assert layout.header[:4] == b"RF64" and layout.spans == [(44, gigabytes)]
        assert not layout.short
        with soundfile.SoundFile(io.BytesIO(layout.header)) as sound:
            assert sound.samplerate == 8000
    assert read_header(Member("long.wav", gigabytes, 0, lambda: open(path, "rb"))) == (8000, 1)


def test_a_file_of_nothing_but_chunks_takes_little_memory():
    data = wav(FMT, *[chunk(b"JUNK", b"")] * 100_000, chunk(b"kuki", bytes(1 << 20)), DATA)
    tracemalloc.start()
    find_sound(io.BytesIO(data), len(data))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(["ffmpeg to a pipe", "smpl before", "RF64 whole", "AIFF ID3",
                          "AU with a note", "CAF", "Wave64", "two data", "fmt of extensible"]),
    place=st.integers(0, 140), junk=st.binary(min_size=1, max_size=12), cut=st.floats(0, 1),
)
def test_any_header_is_read_or_refused(name, place, junk, cut):
    data = patched(WHOLE[name], (place, junk))
    data = data[: max(1, int(len(data) * cut))]
    layout = find_sound(io.BytesIO(data), len(data))
    for start, stop in layout.spans if layout else ():
        assert 0 <= start <= stop <= len(data)
    try:
        decoded(data)
    except BadMember as error:
        assert str(error).startswith("it ")


@pytest.mark.parametrize("name", ["two data", "AIFF", "Wave64", "CAF", "RF64 whole", "AU"])
def test_a_file_that_shrinks_while_it_is_read(name):
    data = WHOLE[name]
    for length in range(0, min(len(data), 120), 3):
        layout = find_sound(io.BytesIO(data[:length]), len(data))
        assert layout is None or all(start <= stop for start, stop in layout.spans)
