"""IDX files, plain and compressed by gzip."""

from __future__ import annotations

import gzip
import struct
import zlib

Files = dict[str, bytes]


def idx(extents: list[int], elements: bytes, magic: bytes = b"\0\0\x08") -> bytes:
    return magic + bytes([len(extents)]) + b"".join(struct.pack(">I", extent) for extent in extents) + elements


def gz(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def gzip_with_name(content: bytes) -> bytes:
    """All that a header of gzip may hold: extra field, name, comment and checksum of the header."""
    header = b"\x1f\x8b\x08\x1e" + bytes(4) + b"\x02\x03" + b"\x04\0" + b"abcd" + b"name\0" + b"comment\0"
    header += struct.pack("<H", zlib.crc32(header) & 0xFFFF)
    return header + gz(content)[10:]


def idx_files() -> Files:
    images, labels = idx([2, 3, 4], bytes(range(24))), idx([5], b"\0\1\2\3\4")
    top = 0xFFFFFFFF
    return {
        "images": images,
        "labels": labels,
        "no_elements": idx([0], b""),
        "no_elements_of_large_images": idx([0, top], b""),
        "rank_8": idx([1] * 8, b"x"),
        "empty": b"",
        "magic_only": images[:4],
        "header_cut": images[:9],
        "one_element_short": images[:-1],
        "one_element_more": images + b"x",
        "rank_0": idx([], b"x"),
        "rank_9": idx([1] * 9, b"x"),
        "rank_255": b"\0\0\x08\xff" + bytes(64),
        "floats": idx([1], bytes(4), magic=b"\0\0\x0d"),
        "wrong_magic": idx([1], b"x", magic=b"\x01\0\x08"),
        "product_overflows_to_0": idx([0x80000000, 0x80000000, 4], b""),
        "product_overflows_to_1": idx([top, top, 3, 5, 17, 257, 65537], b"x"),
        "product_overflows_behind_0": idx([0, top, top, top], b""),
        "product_is_the_largest": idx([0x7FFFFFFF, top], b""),
        "declares_4_gigabytes": idx([top], b"few"),
        "declares_64_terabytes": idx([0x10000, 0x40000000], b"few"),
    }


def gzip_files() -> Files:
    plain = idx_files()
    images = plain["images"]
    packed = gz(images)
    bomb = gz(bytes(1 << 20))
    broken_length = bytearray(packed)
    broken_length[-4] ^= 1
    broken_sum = bytearray(packed)
    broken_sum[-8] ^= 1
    return {
        "images": packed,
        "header_with_everything": gzip_with_name(images),
        "two_members": gz(images[:7]) + gz(images[7:]),
        "empty_member_first": gz(b"") + packed,
        "elements_one_short": gz(plain["one_element_short"]),
        "elements_one_more": gz(plain["one_element_more"]),
        "cut": packed[:-5],
        "cut_in_the_header": packed[:6],
        "magic_only": packed[:2],
        "empty": gz(b""),
        "wrong_sum": bytes(broken_sum),
        "wrong_length": bytes(broken_length),
        "rubbish_behind": packed + b"rubbish",
        "corrupt_member_behind": packed + packed[:-9] + b"\0" * 9,
        "stored_block": b"\x1f\x8b\x08" + bytes(7) + b"\x01" + struct.pack("<HH", len(images), len(images) ^ 0xFFFF)
                        + images + struct.pack("<II", zlib.crc32(images), len(images)),
        "bomb_behind_small_images": gz(images + bytes(1 << 20)),
        "bomb_of_members": gz(images) + bomb * 4,
        "bomb_that_is_declared_tenfold": gz(idx([10 << 20], bytes(1 << 20))),
        "bomb_in_a_bomb": gz(idx([len(bomb)], bomb)),
        "declares_4_gigabytes": gz(idx([0xFFFFFFFF], bytes(1 << 16))),
        "product_overflows": gz(plain["product_overflows_to_1"]),
    }
