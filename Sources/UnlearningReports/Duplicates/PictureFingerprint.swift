import Unlearning

/// What two equal, or nearly equal, pictures have in common.
///
/// Nearly equal are copies that were compressed, resized or brightened a little. The 64-bit difference hash compares each of
/// 8x9 gray means with its right neighbor.
package struct PictureFingerprint: Sendable {
    /// The digest of the decoded pixels.
    package let digest: SHA256Digest
    /// One bit for each of 8x8 neighbors, row after row: 1 where the left one is brighter.
    package let hash: UInt64
    /// 8 rows of 9 gray means, 0 to 255.
    package let means: [UInt8]

    static let (rows, columns) = (8, 9)

    /// The most bits in which the hashes of nearly equal pictures differ.
    static let mostBits = 4
    /// The most that their means differ by on average, of 255.
    static let mostDifference = 2

    package init(pixels: [UInt8], height: Int, width: Int, channels: Int, resampling: GrayResampling) {
        digest = SHA256Digest(of: pixels)
        means = resampling.means(of: pixels, height: height, width: width, channels: channels)
        var hash: UInt64 = 0
        for row in 0..<Self.rows {
            for column in 0..<Self.columns - 1 {
                let place = row * Self.columns + column
                hash = hash << 1 | (means[place] > means[place + 1] ? 1 : 0)
            }
        }
        self.hash = hash
    }

    /// How many bits the hashes differ in, if the pictures are nearly the same; nil if they are not.
    package func distance(to other: PictureFingerprint) -> Int? {
        let bits = (hash ^ other.hash).nonzeroBitCount
        guard bits <= Self.mostBits else { return nil }
        var difference = 0
        for (one, two) in zip(means, other.means) { difference += abs(Int(one) - Int(two)) }
        return difference <= Self.mostDifference * means.count ? bits : nil
    }
}

/// The shares that pixels have in a picture's gray means: each mean is over an equal part of the area.
package struct GrayResampling: Sendable {
    private let vertical: [[(pixel: Int, weight: Float)]]
    private let horizontal: [[(pixel: Int, weight: Float)]]

    package init(height: Int, width: Int) {
        vertical = Self.shares(of: height, parts: PictureFingerprint.rows)
        horizontal = Self.shares(of: width, parts: PictureFingerprint.columns)
    }

    private static func shares(of length: Int, parts: Int) -> [[(pixel: Int, weight: Float)]] {
        (0..<parts).map { part in
            let (start, end) = (
                Double(part * length) / Double(parts), Double((part + 1) * length) / Double(parts)
            )
            return (Int(start)...min(length - 1, Int(end))).compactMap { pixel in
                let overlap = min(end, Double(pixel + 1)) - max(start, Double(pixel))
                return overlap > 0 ? (pixel, Float(overlap / (end - start))) : nil
            }
        }
    }

    /// The means, row after row; of several channels, brightness by ITU-R BT.601.
    func means(of pixels: [UInt8], height: Int, width: Int, channels: Int) -> [UInt8] {
        var means: [UInt8] = []
        means.reserveCapacity(vertical.count * horizontal.count)
        for rows in vertical {
            for columns in horizontal {
                var sum: Float = 0
                for (y, rowWeight) in rows {
                    for (x, weight) in columns {
                        sum += rowWeight * weight * Self.gray(pixels, (y * width + x) * channels, channels)
                    }
                }
                means.append(UInt8(min(255, max(0, sum.rounded()))))
            }
        }
        return means
    }

    private static func gray(_ pixels: [UInt8], _ place: Int, _ channels: Int) -> Float {
        guard channels >= 3 else { return Float(pixels[place]) }
        return 0.299 * Float(pixels[place]) + 0.587 * Float(pixels[place + 1]) + 0.114 * Float(pixels[place + 2])
    }
}
