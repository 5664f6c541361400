"""Images: those of tests/golden, which Pillow made, and hostile ones."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

Files = dict[str, bytes]

GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "golden" / "images.json"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
GRAY, COLOR, PALETTE, GRAY_ALPHA, COLOR_ALPHA = 0, 2, 3, 4, 6


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, rows: bytes, color: int = GRAY, depth: int = 8, interlaced: int = 0,
        before: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced)
    return (SIGNATURE + chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def segment(marker: int, content: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content


def with_jpeg_size(jpeg: bytes, height: int, width: int) -> bytes:
    """The same file, declaring another size in its frame header (SOF0 or SOF2)."""
    at = max(jpeg.find(b"\xff\xc0"), jpeg.find(b"\xff\xc2"))
    return jpeg[: at + 5] + struct.pack(">HH", height, width) + jpeg[at + 9:]


def png_files() -> Files:
    row, top = b"\0\1\2\3", 0x7FFFFFFF
    small = png(3, 2, row * 2)
    palette = chunk(b"PLTE", bytes(range(6)))
    return {
        "small.png": small,
        "interlaced.png": png(3, 3, (b"\0" + b"\7" * 2) * 6 + bytes(30), interlaced=1),
        "filters.png": png(3, 5, b"".join(bytes([kind, 1, 2, 3]) for kind in range(5))),
        "filter_unknown.png": png(3, 1, b"\5\1\2\3"),
        "palette_without_one.png": png(3, 1, row, color=PALETTE),
        "palette_index_outside.png": png(3, 1, b"\0\1\2\xff", color=PALETTE, before=palette),
        "palette_of_257.png": png(3, 1, row, color=PALETTE, before=chunk(b"PLTE", bytes(257 * 3))),
        "transparency_before_palette.png": png(3, 1, row, color=PALETTE, before=chunk(b"tRNS", b"\0") + palette),
        "transparency_longer_than_palette.png": png(3, 1, row, color=PALETTE,
                                                    before=palette + chunk(b"tRNS", bytes(9))),
        "depth_3.png": png(3, 1, row, depth=3),
        "color_5.png": png(3, 1, row, color=5),
        "width_0.png": png(0, 2, b"\0\0"),
        "size_overflows.png": png(top, top, row),
        "size_2_32.png": png(0xFFFFFFFF, 0xFFFFFFFF, row),
        "size_as_large_as_may_be.png": png(8192, 8192, row, color=COLOR_ALPHA, depth=16),
        "size_16384_by_4096.png": png(16384, 4096, row, color=COLOR_ALPHA, interlaced=1),
        "rows_missing.png": png(3, 2, row),
        "rows_too_many.png": png(3, 2, row * 200),
        "bomb.png": png(3, 2, bytes(1 << 23)),
        "two_headers.png": small[:33] + small[8:],
        "no_data.png": SIGNATURE + small[8:33] + chunk(b"IEND", b""),
        "empty_data_chunks.png": small[:33] + chunk(b"IDAT", b"") * 1000 + small[33:],
        "no_end.png": small[:-12],
        "cut.png": small[:-20],
        "behind_the_end.png": small + b"more",
        "chunk_of_2_gigabytes.png": small[:33] + struct.pack(">I", top) + b"tEXt" + bytes(16),
        "chunk_of_4_gigabytes.png": small[:33] + struct.pack(">I", 0xFFFFFFFF) + b"IDAT" + bytes(16),
        "chunk_with_a_wrong_sum.png": small[:-1] + b"x",
        "critical_chunk_unknown.png": small[:33] + chunk(b"ABCD", b"1") + small[33:],
        "apple.png": SIGNATURE + chunk(b"CgBI", bytes(4)) + small[8:],
        "signature_only.png": SIGNATURE,
    }


def jpeg_files(golden: Files) -> Files:
    gray, color = golden["jpeg_gray"], golden["jpeg_color"]
    progressive, turned = golden["jpeg_progressive"], golden["jpeg_orientation_6"]
    exif = turned.find(b"Exif\0\0")
    tables = color.find(b"\xff\xc4")

    def with_table(counts: bytes, values: int) -> bytes:
        return color[:tables] + segment(0xC4, b"\0" + counts + bytes(values)) + color[tables:]

    return {
        "cut.jpeg": color[:-30],
        "no_end.jpeg": color[:-2],
        "begin_only.jpeg": color[:2],
        "behind_the_end.jpeg": color + b"more",
        "no_tables.jpeg": color[:tables] + color[color.find(b"\xff\xda"):],
        "huffman_table_of_4080_codes.jpeg": with_table(b"\xff" * 16, 4080),
        "huffman_table_of_257_codes.jpeg": with_table(bytes(14) + b"\xff\2", 257),
        "huffman_table_cut.jpeg": with_table(b"\1" * 16, 15),
        "scan_before_frame.jpeg": color[:2] + color[color.find(b"\xff\xda"):],
        "two_frames.jpeg": color[:2] + color[2: color.find(b"\xff\xda")] * 2 + color[color.find(b"\xff\xda"):],
        "size_0.jpeg": with_jpeg_size(gray, 0, 14),
        "size_65535.jpeg": with_jpeg_size(gray, 65535, 65535),
        "size_16384_by_4096.jpeg": with_jpeg_size(color, 4096, 16384),
        "size_grows_in_a_progressive_one.jpeg": with_jpeg_size(progressive, 1000, 1000),
        "scans_100.jpeg": progressive[:-2] + progressive[progressive.find(b"\xff\xda"): -2] * 100 + b"\xff\xd9",
        "segment_of_length_0.jpeg": color[:2] + b"\xff\xe0\0\0" + color[2:],
        "segment_of_length_1.jpeg": color[:2] + b"\xff\xe0\0\1" + color[2:],
        "segment_beyond_the_end.jpeg": color[:2] + b"\xff\xe0\xff\xff" + color[2:100],
        "fill_bytes.jpeg": color[:2] + b"\xff" * 5000 + color[2:],
        "exif_cut.jpeg": turned[:2] + segment(0xE1, turned[exif: exif + 12]) + color[2:],
        "exif_offset_outside.jpeg": turned[: exif + 10] + b"\xff\xff\xff\xff" + turned[exif + 14:],
        "exif_of_65535_entries.jpeg": turned[:2] + segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08\xff\xff") + color[2:],
        "exif_orientation_0.jpeg": turned[:2] + segment(
            0xE1, b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\0\0\0\0\0\0\0\0") + color[2:],
    }


def image_files() -> Files:
    golden = {case["name"]: bytes.fromhex(case["file"])
              for case in json.loads(GOLDEN.read_text(encoding="utf-8"))["cases"]}
    others = {"empty": b"", "gif": b"GIF89a\1\0\1\0\0\0\0;", "bmp": b"BM" + bytes(60), "text": b"P5\n1 1\n255\nx"}
    return {**golden, **png_files(), **jpeg_files(golden), **others}
