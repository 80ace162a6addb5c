// Conversion by bits, since Swift's own `Float16` is missing on Intel Macs.

/// A `float16` by its bits (IEEE 754 binary16).
@inlinable @inline(__always)
package func float(fromHalf bits: UInt16) -> Float {
    // The exponent is moved by a product, which puts subnormal numbers right as well.
    let magnitude = Float(bitPattern: UInt32(bits & 0x7fff) << 13) * 0x1p112
    let infinite: UInt32 = bits & 0x7c00 == 0x7c00 ? 0x7f80_0000 : 0
    return Float(bitPattern: magnitude.bitPattern | infinite | UInt32(bits & 0x8000) << 16)
}

/// A `bfloat16` by its bits.
@inlinable @inline(__always)
package func float(fromBrain bits: UInt16) -> Float {
    Float(bitPattern: UInt32(bits) << 16)
}

/// The bits of the `float16` nearest to a number, ties to even.
package func halfBits(of value: Float) -> UInt16 {
    let bits = value.bitPattern
    let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
    let magnitude = bits & 0x7fff_ffff
    if magnitude > 0x7f80_0000 { return sign | 0x7e00 }
    // Above the middle between the largest number and the next there would be.
    if magnitude >= 0x477f_f000 { return sign | 0x7c00 }
    if magnitude < 0x3880_0000 {
        // Subnormal: counted in steps of 2^-24; the sum rounds to even.
        let steps = (Float(bitPattern: magnitude) * 0x1p24).rounded(.toNearestOrEven)
        return sign | UInt16(steps)
    }
    let rounded = magnitude + 0xfff + (magnitude >> 13 & 1)
    return sign | UInt16(truncatingIfNeeded: (rounded - 0x3800_0000) >> 13)
}

/// The bits of the `bfloat16` nearest to a number, ties to even.
package func brainBits(of value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (UInt64(bits) + 0x7fff + UInt64(bits >> 16 & 1)) >> 16)
}
