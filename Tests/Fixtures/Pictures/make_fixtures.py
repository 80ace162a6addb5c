"""Small pictures of every kind, and what Pillow and torchvision make of them.

Writes `files/` and `expected.safetensors`. Pixels are numbers from 0 to 255 as float16, which holds them exactly.
"""

import io
import pathlib
import struct
import zlib

import numpy
import torch
from PIL import Image, ImageOps
from safetensors.torch import save_file
from torchvision import transforms

FOLDER = pathlib.Path(__file__).parent
FILES = FOLDER / "files"
WIDTH, HEIGHT = 19, 14
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def samples(channels, bits, width=WIDTH, height=HEIGHT):
    """A smooth picture with a different pattern in every channel, [height, width, channels]."""
    y, x = numpy.mgrid[0:height, 0:width].astype(numpy.float64)
    planes = [
        0.5 + 0.5 * numpy.sin(x * (0.31 + 0.07 * c) + 0.9 * c) * numpy.cos(y * (0.23 + 0.11 * c)) for c in range(channels)
    ]
    return numpy.rint(numpy.stack(planes, -1) * (2**bits - 1)).astype(numpy.int64)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed(values, bits):
    """Rows of samples as PNG packs them, each behind a filter byte for 'none'."""
    rows = b""
    for row in values.reshape(values.shape[0], -1):
        text = "".join(format(int(value), f"0{bits}b") for value in row)
        text += "0" * (-len(text) % 8)
        rows += b"\0" + bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))
    return rows


def png(values, bits, kind, before=b"", after=b"", interlaced=False):
    """A PNG file; Pillow writes neither 16 bits of color nor interlaced ones."""
    height, width = values.shape[:2]
    data = b""
    if interlaced:
        for x, y, step_x, step_y in ADAM7:
            part = values[y::step_y, x::step_x]
            if part.size:
                data += packed(part, bits)
    else:
        data = packed(values, bits)
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, interlaced)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(data, 9)) + after
        + chunk(b"IEND", b"")
    )


def palette(bits):
    colors = samples(3, 8, 2**bits, 1).reshape(-1, 3).astype(numpy.uint8)
    return chunk(b"PLTE", colors.tobytes())


def exif(orientation):
    data = Image.Exif()
    data[0x0112] = orientation
    return data.tobytes()


def jpeg(mode="RGB", **options):
    channels = {"L": 1, "RGB": 3, "CMYK": 4}[mode]
    values = samples(channels, 8).astype(numpy.uint8)
    image = Image.fromarray(values[..., 0] if channels == 1 else values, mode=None if channels != 4 else "CMYK")
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **{"quality": 92, **options})
    return buffer.getvalue()


def photo(**options):
    """A picture large enough to be shrunk by more than one pixel's width, and not by a whole number."""
    width, height = 131, 97
    y, x = numpy.mgrid[0:height, 0:width].astype(numpy.float64)
    planes = [128 + 90 * numpy.sin(x * y / (300 + 70 * c) + c) + 30 * numpy.cos(x / 3 + c) for c in range(3)]
    buffer = io.BytesIO()
    Image.fromarray(numpy.clip(numpy.stack(planes, -1), 0, 255).astype(numpy.uint8)).save(buffer, "JPEG", quality=80, **options)
    return buffer.getvalue()


def saved(kind, mode="RGB", **options):
    """A picture as Pillow writes it."""
    channels = {"L": 1, "P": 1, "1": 1, "RGB": 3, "RGBA": 4}[mode]
    values = samples(channels, 8).astype(numpy.uint8)
    if mode == "1":
        image = Image.fromarray(values[..., 0] > 127)
    else:
        image = Image.fromarray(values[..., 0] if channels == 1 else values)
    if mode == "P":
        image.putpalette(samples(3, 8, 256, 1).astype(numpy.uint8).tobytes())
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def bmp(bits, masks=None, top_down=False, core=False, colors=None):
    """A BMP file of the kinds that Pillow reads and does not write."""
    values = samples(3 if bits >= 16 else 1, {16: 5}.get(bits, min(bits, 8)))
    if bits >= 16:
        widths = [bin(mask).count("1") for mask in masks] if masks else {16: [5, 5, 5]}.get(bits, [8, 8, 8])
        shifts = [(mask & -mask).bit_length() - 1 for mask in masks] if masks else {16: [10, 5, 0]}.get(bits, [16, 8, 0])
        values = numpy.stack([samples(3, width)[..., channel] for channel, width in enumerate(widths)], -1)
        pixels = sum(values[..., channel] << shifts[channel] for channel in range(3))
    else:
        pixels = values[..., 0] if colors is None else values[..., 0] % colors
    rows = []
    for row in pixels:
        if bits >= 8:
            data = b"".join(int(value).to_bytes(bits // 8, "little") for value in row)
        else:
            text = "".join(format(int(value), f"0{bits}b") for value in row)
            text += "0" * (-len(text) % 8)
            data = bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))
        rows.append(data + bytes(-len(data) % 4))
    if not top_down:
        rows.reverse()
    table = b""
    if bits <= 8:
        for red, green, blue in samples(3, 8, colors or 2**bits, 1).reshape(-1, 3):
            table += bytes([blue, green, red]) + (b"" if core else b"\0")
    if core:
        header = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, bits)
    else:
        height = -HEIGHT if top_down else HEIGHT
        header = struct.pack("<IiiHHIIiiII", 40, WIDTH, height, 1, bits, 3 if masks else 0, 0, 0, 0, colors or 0, 0)
    if masks:
        header += struct.pack("<III", *masks)
    start = 14 + len(header) + len(table)
    body = b"".join(rows)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + header + table + body


def gif_on_canvas(width, height, left, top):
    """A GIF whose picture is smaller than its canvas."""
    data = bytearray(saved("GIF", "P"))
    data[6:10] = struct.pack("<HH", width, height)
    place = data.index(struct.pack("<BHHHH", 0x2C, 0, 0, WIDTH, HEIGHT))
    data[place + 1 : place + 5] = struct.pack("<HH", left, top)
    return bytes(data)


def animated(kind, **options):
    frames = [Image.fromarray(samples(3, 8).astype(numpy.uint8)[..., order]) for order in ([0, 1, 2], [2, 1, 0])]
    if kind == "GIF":
        frames = [frame.quantize(64) for frame in frames]
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], **options)
    return buffer.getvalue()


def other_formats():
    yield "lossless.webp", saved("WEBP", lossless=True)
    yield "lossy.webp", saved("WEBP", quality=80)
    yield "alpha.webp", saved("WEBP", "RGBA", lossless=True, exact=True)
    yield "lossy-alpha.webp", saved("WEBP", "RGBA", quality=80)
    yield "turned.webp", saved("WEBP", lossless=True, exif=exif(6))
    yield "palette.gif", saved("GIF", "P", interlace=0)
    yield "interlaced.gif", saved("GIF", "P", interlace=1)
    yield "gray.gif", saved("GIF", "L")
    yield "transparent.gif", saved("GIF", "P", transparency=int(samples(1, 8)[5, 5, 0]))
    yield "canvas.gif", gif_on_canvas(WIDTH + 5, HEIGHT + 4, 3, 2)
    yield "beyond.gif", gif_on_canvas(WIDTH - 5, HEIGHT, 3, 2)
    yield "animated.gif", animated("GIF")
    yield "color24.bmp", saved("BMP")
    yield "gray8.bmp", saved("BMP", "L")
    yield "bits1.bmp", saved("BMP", "1")
    yield "alpha32.bmp", saved("BMP", "RGBA")
    for bits in (1, 4, 8, 16, 32):
        yield f"bits{bits}-own.bmp", bmp(bits)
    yield "few-colors.bmp", bmp(8, colors=20)
    yield "top-down.bmp", bmp(24, top_down=True)
    yield "core.bmp", bmp(8, core=True)
    yield "masks565.bmp", bmp(16, masks=(0xF800, 0x7E0, 0x1F))
    yield "masks32.bmp", bmp(32, masks=(0xFF0000, 0xFF00, 0xFF))


def pictures():
    for bits in (1, 2, 4, 8, 16):
        yield f"gray{bits}.png", png(samples(1, bits), bits, GREY)
    for bits in (1, 2, 4, 8):
        yield f"palette{bits}.png", png(samples(1, bits), bits, PALETTE, palette(bits))
    for bits in (8, 16):
        yield f"color{bits}.png", png(samples(3, bits), bits, RGB)
        yield f"gray-alpha{bits}.png", png(samples(2, bits), bits, GREY_ALPHA)
        yield f"color-alpha{bits}.png", png(samples(4, bits), bits, RGBA)
    key = samples(3, 8)[5, 5].astype(">u2").tobytes()
    yield "transparent-gray.png", png(samples(1, 8), 8, GREY, chunk(b"tRNS", samples(1, 8)[5, 5].astype(">u2").tobytes()))
    yield "transparent-color.png", png(samples(3, 8), 8, RGB, chunk(b"tRNS", key))
    yield "transparent-palette.png", png(samples(1, 4), 4, PALETTE, palette(4) + chunk(b"tRNS", bytes(range(0, 256, 20))))
    yield "interlaced-color.png", png(samples(3, 8), 8, RGB, interlaced=True)
    yield "interlaced-palette.png", png(samples(1, 2), 2, PALETTE, palette(2), interlaced=True)
    yield "gamma.png", png(samples(3, 8), 8, RGB, chunk(b"gAMA", struct.pack(">I", 100000)))
    yield "turned-before.png", png(samples(3, 8), 8, RGB, chunk(b"eXIf", exif(6)[6:]))
    yield "turned-after.png", png(samples(3, 8), 8, RGB, after=chunk(b"eXIf", exif(5)[6:]))
    yield "subsampled.jpg", jpeg(subsampling="4:2:0")
    yield "full.jpg", jpeg(subsampling="4:4:4")
    yield "wide.jpg", jpeg(subsampling="4:2:2")
    yield "progressive.jpg", jpeg(progressive=True)
    yield "restarts.jpg", jpeg(restart_marker_blocks=1)
    yield "stored-rgb.jpg", jpeg(keep_rgb=True)
    yield "gray.jpg", jpeg("L")
    yield "cmyk.jpg", jpeg("CMYK")
    cmyk = jpeg("CMYK")
    place = cmyk.index(b"Adobe") + 11
    assert cmyk[place] == 0
    yield "ycck.jpg", cmyk[:place] + b"\x02" + cmyk[place + 1 :]
    for orientation in range(1, 9):
        yield f"turned{orientation}.jpg", jpeg(exif=exif(orientation))
    yield from other_formats()
    yield "photo.jpg", photo()
    yield "photo-progressive.jpg", photo(progressive=True)


def malformed():
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, RGB, 0, 0, 0)
    yield "bomb.png", (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )
    plain = jpeg()
    size = plain.index(b"\xff\xc0") + 5
    yield "bomb.jpg", plain[:size] + struct.pack(">HH", 65_500, 65_500) + plain[size + 4 :]
    color = png(samples(3, 8), 8, RGB)
    broken = bytearray(color)
    broken[color.index(b"IDAT") + 20] ^= 0xFF
    yield "damaged.png", bytes(broken)
    lossless = bytearray(saved("WEBP", lossless=True))
    place = lossless.index(b"VP8L") + 9
    lossless[place : place + 4] = struct.pack("<I", 16_383 | 16_383 << 14)
    yield "bomb.webp", bytes(lossless)
    yield "animated.webp", animated("WEBP", lossless=True)
    yield "bomb.gif", gif_on_canvas(65_535, 65_535, 0, 0)
    bitmap = bytearray(bmp(24))
    bitmap[18:26] = struct.pack("<ii", 100_000, -100_000)
    yield "bomb.bmp", bytes(bitmap)


def opened(data):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    # Pillow clips 16 bits of gray to 255, which turns such pictures white; of colors it keeps the upper eight bits.
    if image.mode.startswith("I"):
        image = Image.fromarray((numpy.asarray(image) >> 8).astype(numpy.uint8))
    return image.convert("RGB")


def pixels(image):
    return torch.from_numpy(numpy.array(image)).to(torch.float16)


def main():
    FILES.mkdir(exist_ok=True)
    for old in FILES.iterdir():
        old.unlink()
    expected = {}
    for name, data in pictures():
        (FILES / name).write_bytes(data)
        image = opened(data)
        if not name.startswith("photo"):
            expected[f"{name}.decoded"] = pixels(image)
        crop = transforms.Compose([transforms.Resize(10), transforms.CenterCrop(8)])
        expected[f"{name}.cropped"] = pixels(crop(image))
    image = opened((FILES / "photo.jpg").read_bytes())
    expected["photo.stretched"] = pixels(transforms.Resize((9, 23))(image))
    for shorter, side in [(8, 8), (37, 32), (97, 24), (150, 40)]:
        crop = transforms.Compose([transforms.Resize(shorter), transforms.CenterCrop(side)])
        expected[f"photo.{shorter}.{side}"] = pixels(crop(image))
    chain = transforms.Compose(
        [transforms.Resize(16), transforms.CenterCrop(12), transforms.ToTensor(), transforms.Normalize(MEAN, DEVIATION)]
    )
    expected["photo.normalized"] = chain(image).permute(1, 2, 0).contiguous()
    gray = transforms.Compose([transforms.Grayscale(), transforms.Resize(16), transforms.CenterCrop(12)])
    expected["photo.gray"] = pixels(gray(image))
    save_file(expected, FOLDER / "expected.safetensors")
    for name, data in malformed():
        (FILES / name).write_bytes(data)


main()
