#!/usr/bin/env python3
"""Writes tests/golden/images.json: small image files of every kind, and the pixels that Pillow sees in them.

Needs Pillow and NumPy (made with 9.4 and 1.24). Also what Pillow's BILINEAR makes of an image at other sizes. Run it
again after changing a case, and commit the result.
"""

import io
import json
import pathlib
import sys

try:
    import numpy
    from PIL import Image, ImageOps
except ImportError as error:
    sys.exit(f"error: {sys.executable} cannot import {error.name}; on Debian, apt install python3-pil "
             "python3-numpy, then run this with /usr/bin/python3")

HEIGHT, WIDTH = 11, 14  # neither is a multiple of a JPEG block
EXIF_ORIENTATION = 0x0112


def smooth(channels):
    """Gradients and a soft spot: what JPEG keeps well, and no symmetry."""
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH]
    layers = [20 + 12 * x + 3 * y, 230 - 9 * y - 5 * x, 90 + 150 * numpy.exp(-((x - 4) ** 2 + (y - 3) ** 2) / 30)]
    return numpy.stack(layers[:channels], axis=-1).clip(0, 255).astype(numpy.uint8)


def noise(channels, seed):
    return numpy.random.RandomState(seed).randint(0, 256, (HEIGHT, WIDTH, channels)).astype(numpy.uint8)


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def over_white(image):
    """What a viewer with a white page shows."""
    rgba = image.convert("RGBA")
    page = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    return Image.alpha_composite(page, rgba).convert("RGB")


def png_cases():
    gray = Image.fromarray(noise(1, 1)[..., 0])
    color = Image.fromarray(noise(3, 2))
    yield "png_gray", encoded(gray, "PNG"), gray, 0
    yield "png_color", encoded(color, "PNG"), color, 0
    bits = Image.fromarray(noise(1, 3)[..., 0]).convert("1")
    yield "png_1_bit", encoded(bits, "PNG"), bits.convert("L"), 0
    palette = color.quantize(16)
    yield "png_palette", encoded(palette, "PNG"), palette.convert("RGB"), 0
    palette_alpha = encoded(palette, "PNG", transparency=3)
    yield "png_palette_transparent", palette_alpha, over_white(Image.open(io.BytesIO(palette_alpha))), 0
    rgba = Image.fromarray(noise(4, 4), "RGBA")
    yield "png_color_alpha", encoded(rgba, "PNG"), over_white(rgba), 1
    la = Image.merge("LA", [gray, Image.fromarray(noise(1, 5)[..., 0])])
    yield "png_gray_alpha", encoded(la, "PNG"), over_white(la).convert("L"), 1
    deep = numpy.random.RandomState(6).randint(0, 65536, (HEIGHT, WIDTH)).astype(numpy.uint16)
    upper = Image.fromarray((deep >> 8).astype(numpy.uint8))
    yield "png_gray_16_bit", encoded(Image.fromarray(deep), "PNG"), upper, 0


def jpeg_cases():
    gray, color = Image.fromarray(smooth(1)[..., 0]), Image.fromarray(smooth(3))

    def case(name, image, tolerance, **options):
        data = encoded(image, "JPEG", quality=95, **options)
        return name, data, ImageOps.exif_transpose(Image.open(io.BytesIO(data))), tolerance

    yield case("jpeg_gray", gray, 1)
    yield case("jpeg_color", color, 2, subsampling=0)
    yield case("jpeg_half_chroma", color, 6, subsampling=2)
    yield case("jpeg_progressive", color, 2, subsampling=0, progressive=True)
    name, data, seen, tolerance = case("jpeg_cmyk", color.convert("CMYK"), 4)
    yield name, data, seen.convert("RGB"), tolerance
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[EXIF_ORIENTATION] = orientation
        yield case(f"jpeg_orientation_{orientation}", gray, 1, exif=exif)


def record(pixels):
    return {"shape": list(pixels.shape), "values": pixels.reshape(-1).tolist()}


def channels_last(image):
    pixels = numpy.asarray(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def resize_cases():
    source = noise(3, 7)
    for height, width in ((5, 6), (3, 20), (22, 28), (1, 1), (30, 4), (11, 7)):
        resized = Image.fromarray(source).resize((width, height), Image.BILINEAR)
        yield {"height": height, "width": width, "result": record(channels_last(resized))}


def main():
    files = [{"name": name, "file": data.hex(), "tolerance": tolerance, "pixels": record(channels_last(seen))}
             for cases in (png_cases(), jpeg_cases()) for name, data, seen, tolerance in cases]
    content = {"cases": files, "resize": {"source": record(noise(3, 7)), "cases": list(resize_cases())}}
    path = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "images.json"
    path.write_text(json.dumps(content, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")
    print(f"{path}: {len(files)} files")


if __name__ == "__main__":
    main()
