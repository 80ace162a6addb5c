import Foundation

/// A small seeded generator of random numbers (SplitMix64; Steele, Lea and Flood 2014).
///
/// The same seed gives the same numbers on every machine, and independent streams come from one seed.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    /// What the next number is drawn from: the i-th from here on is that of `state + i * increment`.
    private(set) var state: UInt64
    private var spareNormal: Double?

    /// Creates the generator of one stream of a seed; streams have names, so that adding one changes no other.
    public init(seed: UInt64, stream: String = "") {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in stream.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        state = Self.mix(seed &+ 0x9e37_79b9_7f4a_7c15) ^ hash
    }

    /// Returns the next 64 random bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return Self.mix(state)
    }

    /// Draws a number uniformly from `0..<1`, in steps of 2^-53.
    public mutating func uniform() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// Draws a number from the normal distribution with mean 0 and variance 1 (Box and Muller 1958).
    public mutating func normal() -> Double {
        if let spare = spareNormal {
            spareNormal = nil
            return spare
        }
        // 1 - u is never 0, so the logarithm is finite.
        let radius = (-2 * log(1 - uniform())).squareRoot()
        let angle = 2 * Double.pi * uniform()
        spareNormal = radius * sin(angle)
        return radius * cos(angle)
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
