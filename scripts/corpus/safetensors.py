"""safetensors files."""

from __future__ import annotations

import json
import struct
import zlib

Files = dict[str, bytes]

NO_CHECKSUM = "00000000"


def safetensors_text(header: bytes, data: bytes = b"") -> bytes:
    """A file with a header of any bytes."""
    return struct.pack("<Q", len(header)) + header + data


def safetensors(tensors: dict[str, tuple[str, list[int], bytes]], metadata: dict[str, str] | None = None) -> bytes:
    """A well-formed file, with Keel's checksum if there are metadata."""
    header, data = {}, b""
    if metadata is not None:
        header["__metadata__"] = {"keel.crc32": NO_CHECKSUM, **metadata}
    for name, (dtype, shape, elements) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(elements)]}
        data += elements
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    if metadata is not None:
        text = text.replace(NO_CHECKSUM.encode(), f"{zlib.crc32(text + data):08x}".encode(), 1)
    return safetensors_text(text, data)


def entry(dtype: str, shape: str, begin: int | str, end: int | str) -> str:
    return f'{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{begin},{end}]}}'


def safetensors_files() -> Files:
    def one(*arguments: int | str, data: bytes = bytes(8)) -> bytes:
        return safetensors_text(f'{{"t":{entry(*arguments)}}}'.encode(), data)

    def two(first: str, second: str, data: bytes = bytes(8)) -> bytes:
        return safetensors_text(f"{{{first},{second}}}".encode(), data)

    def header_of(length: int) -> bytes:
        return struct.pack("<Q", length) + b"{}"

    kinds = {"f64": ("F64", [1, 1], bytes(8)), "f32": ("F32", [2], b"\0\0\x80?\0\0\xc0\x7f"),
             "f16": ("F16", [3], b"\0<\1\0\0|"), "bf16": ("BF16", [1], b"\x80?"), "i32": ("I32", [1], b"\1\0\0\0"),
             "i64": ("I64", [1], struct.pack("<q", -7)), "u8": ("U8", [2, 0], b""), "scalar": ("F32", [], bytes(4))}
    a = '"a":' + entry("F32", "[1]", 4, 8)
    whole = safetensors(kinds, {"keel.format": "weights", "note": "\u00e9\n"})
    damaged = bytearray(whole)
    damaged[-1] ^= 1
    wide = struct.pack("<q", 1 << 40)
    deep = 10_000
    return {
        "every_dtype": safetensors(kinds),
        "with_checksum": whole,
        "no_tensors": safetensors({}),
        "metadata_only": safetensors({}, {"a": "b"}),
        "no_elements_in_a_large_shape": one("F32", "[0,4294967296]", 0, 0, data=b""),
        "order_of_names_is_not_that_of_data": two(a, '"b":' + entry("F32", "[1]", 0, 4)),
        "one_byte_damaged": bytes(damaged),
        "cut": whole[:-1],
        "cut_in_the_header": whole[:40],
        "one_byte_more": whole + b"x",
        "empty": b"",
        "length_cut": whole[:5],
        "length_0": header_of(0),
        "length_beyond_the_file": header_of(3),
        "length_of_100_megabytes": header_of(100_000_000),
        "length_2_63": header_of(1 << 63),
        "length_2_64_less_1": header_of((1 << 64) - 1),
        "length_that_wraps_to_0": header_of((1 << 64) - 8),
        "offsets_overlap": two('"a":' + entry("U8", "[6]", 0, 6), '"b":' + entry("U8", "[6]", 2, 8)),
        "offsets_leave_a_gap": two('"a":' + entry("U8", "[3]", 0, 3), '"b":' + entry("U8", "[3]", 5, 8)),
        "offsets_leave_the_end": one("U8", "[4]", 0, 4),
        "offsets_twice_the_same": two('"a":' + entry("U8", "[8]", 0, 8), '"b":' + entry("U8", "[8]", 0, 8)),
        "offsets_outside": one("F32", "[4]", 0, 16),
        "offsets_backwards": one("F32", "[2]", 8, 0),
        "offsets_2_63": one("U8", "[8]", "9223372036854775808", "9223372036854775816"),
        "offsets_2_64": one("U8", "[8]", "18446744073709551616", "18446744073709551624"),
        "offsets_negative": one("U8", "[8]", -8, 0),
        "offsets_fractional": one("U8", "[8]", "0.0", "8e0"),
        "offsets_of_three": safetensors_text(b'{"t":{"dtype":"U8","shape":[8],"data_offsets":[0,4,8]}}', bytes(8)),
        "shape_overflows_to_0": one("F32", "[4294967296,4294967296]", 0, 0, data=b""),
        "shape_overflows_to_2": one("F32", "[6148914691236517206,3]", 0, 8),
        "shape_overflows_in_bytes": one("F64", "[2305843009213693953]", 0, 8),
        "shape_overflows_behind_0": one("F32", "[0,9223372036854775807,3]", 0, 0, data=b""),
        "shape_negative": one("U8", "[-8]", 0, 8),
        "shape_of_rank_9": one("U8", "[1,1,1,1,1,1,1,1,8]", 0, 8),
        "shape_of_5000_axes": one("U8", f"[{'1,' * 5000}8]", 0, 8),
        "shape_is_text": one("U8", '"8"', 0, 8),
        "dtype_unknown": one("F8_E4M3", "[8]", 0, 8),
        "dtype_empty": one("", "[8]", 0, 8),
        "int64_beyond_int32": one("I64", "[1]", 0, 8, data=wide),
        "name_twice": two('"t":' + entry("U8", "[4]", 0, 4), '"t":' + entry("U8", "[4]", 4, 8)),
        "name_twice_by_an_escape": two('"t":' + entry("U8", "[4]", 0, 4), '"\\u0074":' + entry("U8", "[4]", 4, 8)),
        "key_twice": safetensors_text(b'{"t":{"dtype":"U8","dtype":"F32","shape":[2],"data_offsets":[0,8]}}', bytes(8)),
        "key_missing": safetensors_text(b'{"t":{"dtype":"U8","data_offsets":[0,8]}}', bytes(8)),
        "key_unknown": safetensors_text(b'{"t":{"dtype":"U8","shape":[8],"data_offsets":[0,8],"x":1}}', bytes(8)),
        "name_empty": safetensors_text(f'{{"":{entry("U8", "[8]", 0, 8)}}}'.encode(), bytes(8)),
        "name_not_utf8": safetensors_text(b'{"\xff":' + entry("U8", "[8]", 0, 8).encode() + b"}", bytes(8)),
        "name_of_half_a_surrogate": safetensors_text(b'{"\\ud800":{}}'),
        "name_with_null_inside": safetensors_text(f'{{"a\\u0000b":{entry("U8", "[8]", 0, 8)}}}'.encode(), bytes(8)),
        "metadata_twice": safetensors_text(b'{"__metadata__":{"a":"b"},"__metadata__":{"a":"c"}}'),
        "metadata_key_twice": safetensors_text(b'{"__metadata__":{"a":"b","a":"c"}}'),
        "metadata_not_text": safetensors_text(b'{"__metadata__":{"a":1}}'),
        "metadata_nested": safetensors_text(b'{"__metadata__":{"a":{"b":"c"}}}'),
        "metadata_is_a_tensor": safetensors_text(f'{{"__metadata__":{entry("U8", "[8]", 0, 8)}}}'.encode(), bytes(8)),
        "checksum_short": safetensors_text(b'{"__metadata__":{"keel.crc32":"1234"}}'),
        "checksum_of_escapes": safetensors_text(b'{"__metadata__":{"keel.crc32":"\\u003012"}}'),
        "checksum_unclosed": safetensors_text(b'{"__metadata__":{"keel.crc32":"'),
        "header_not_json": safetensors_text(b"{tensor}"),
        "header_is_an_array": safetensors_text(b"[]"),
        "header_begins_with_a_space": safetensors_text(b" {}"),
        "header_and_another": safetensors_text(b"{}{}"),
        "header_of_null_bytes": safetensors_text(bytes(64)),
        "deep_arrays": safetensors_text(b'{"t":' + b"[" * deep + b"]" * deep + b"}"),
        "deep_objects": safetensors_text(b'{"":' * deep + b"1" + b"}" * deep),
        "deep_and_unclosed": safetensors_text(b'{"t":{"shape":' + b"[" * deep),
        "number_of_many_digits": one("U8", f"[{'9' * 5000}]", 0, 8),
        "number_with_a_large_exponent": one("U8", "[1e999999]", 0, 8),
    }
