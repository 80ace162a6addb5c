import Foundation
import Synchronization
import Unlearning

/// Pictures that occur in more than one part of the data: among those to forget, to retain, and to test on.
///
/// A picture to forget that is also retained teaches the model again what it is to forget, and one that is also tested on
/// makes the audit measure memory in place of knowledge.
package struct DuplicatePictures: Sendable, Codable, Hashable {
    /// A part of the data.
    package enum Part: String, Sendable, Codable, CaseIterable {
        case forget, retain, test
    }

    /// A picture by its part and its position in the data set of that part.
    package struct Picture: Sendable, Codable, Hashable {
        package let part: Part
        package let index: Int
    }

    /// Two pictures that are the same, or nearly.
    package struct Pair: Sendable, Codable, Hashable {
        package let first: Picture
        package let second: Picture
        /// Whether their pixels are equal.
        package let isExact: Bool
        /// The bits in which their difference hashes differ.
        package let distance: Int
    }

    /// How many pictures of each part were looked at.
    package let counts: [String: Int]
    /// The SHA-256 of the digests of each part's pictures, in their order: 64 hexadecimal digits and a line feed each.
    package let pixels: [String: SHA256Digest]
    /// The number of pairs of two parts with equal pixels.
    package let exactPairs: Int
    /// The number of other pairs that are nearly the same.
    package let nearPairs: Int
    /// The first pairs: equal ones before others, in the order of parts and positions.
    package let pairs: [Pair]

    /// The most pairs that are listed.
    package static let mostListed = 20

    /// Looks for pictures in more than one part.
    /// - Parameters:
    ///   - parts: the data of each part; a part that is left out is not looked at.
    ///   - threads: the threads that read pictures; nil for one per processor.
    /// - Throws: what reading a picture throws, and `CancellationError`.
    package init(_ parts: [(part: Part, images: any ImageDataset)], threads: Int? = nil) throws {
        var (counts, pixels) = ([String: Int](), [String: SHA256Digest]())
        var all: [(part: Part, positions: [Int], prints: [PictureFingerprint])] = []
        for (part, images) in parts {
            let prints = try Self.fingerprints(of: images, threads: threads)
            counts[part.rawValue] = images.count
            pixels[part.rawValue] = SHA256Digest(of: Data(prints.map { "\($0.digest)\n" }.joined().utf8))
            all.append((part, (images as? ImageSubset)?.indices ?? Array(0..<images.count), prints))
        }
        var (exact, near): ([Pair], [Pair]) = ([], [])
        for (number, one) in all.enumerated() {
            for other in all[(number + 1)...] {
                try Task.checkCancellation()
                for (first, second, distance) in Self.matches(one.prints, other.prints) {
                    let isExact = one.prints[first].digest == other.prints[second].digest
                    let pair = Pair(
                        first: Picture(part: one.part, index: one.positions[first]),
                        second: Picture(part: other.part, index: other.positions[second]), isExact: isExact,
                        distance: distance)
                    if isExact { exact.append(pair) } else { near.append(pair) }
                }
            }
        }
        (self.counts, self.pixels) = (counts, pixels)
        (exactPairs, nearPairs) = (exact.count, near.count)
        pairs = Array((exact + near).prefix(Self.mostListed))
    }

    /// Whether there is any pair.
    package var isEmpty: Bool { exactPairs + nearPairs == 0 }

    /// What was found, in sentences for people; empty if nothing was.
    package var findings: [String] {
        guard !isEmpty else { return [] }
        func pairs(_ count: Int) -> String { count == 1 ? "1 pair" : "\(count) pairs" }
        let listed = self.pairs.prefix(5).map { pair in
            "\(pair.first.part.rawValue) image \(pair.first.index) and \(pair.second.part.rawValue) image "
                + "\(pair.second.index)\(pair.isExact ? "" : ", nearly")"
        }
        return [
            "The same picture is in more than one part of the data: \(Self.joined(exactPairs, nearPairs, pairs)).",
            "The first: " + listed.joined(separator: "; ") + ".",
        ]
    }

    private static func joined(_ exact: Int, _ near: Int, _ text: (Int) -> String) -> String {
        [exact > 0 ? "\(text(exact)) with equal pixels" : nil, near > 0 ? "\(text(near)) nearly the same" : nil]
            .compactMap(\.self).joined(separator: ", ")
    }

    private static func fingerprints(of images: any ImageDataset, threads: Int?) throws -> [PictureFingerprint] {
        let shape = images.imageShape
        guard shape.rank == 3, images.count > 0 else { return [] }
        let (height, width, channels) = (shape[0], shape[1], shape[2])
        let resampling = GrayResampling(height: height, width: width)
        var prints = [PictureFingerprint?](repeating: nil, count: images.count)
        let failure = Mutex<(any Error)?>(nil)
        let team = ThreadTeam(workers: threads ?? ThreadTeam.processorCount)
        let block = 64
        prints.withUnsafeMutableBufferPointer { buffer in
            let target = FingerprintBuffer(start: buffer.baseAddress)
            team.forEach((images.count + block - 1) / block) { part, _ in
                guard failure.withLock({ $0 == nil }), !Task.isCancelled else { return }
                for index in part * block..<min((part + 1) * block, images.count) {
                    do {
                        let print = PictureFingerprint(
                            pixels: try images.pixels(at: index), height: height, width: width, channels: channels,
                            resampling: resampling)
                        target.set(print, at: index)
                    } catch {
                        failure.withLock { $0 = $0 ?? error }
                        return
                    }
                }
            }
        }
        try Task.checkCancellation()
        if let error = failure.withLock({ $0 }) { throw error }
        return prints.compactMap(\.self)
    }

    /// The positions of pictures that are the same or nearly, in rising order, and the bits that they differ in.
    private static func matches(
        _ one: [PictureFingerprint], _ other: [PictureFingerprint]
    ) -> [(Int, Int, Int)] {
        var found: [(Int, Int, Int)] = []
        let hashes = other.map(\.hash)
        for (first, print) in one.enumerated() {
            for (second, hash) in hashes.enumerated()
            where (print.hash ^ hash).nonzeroBitCount <= PictureFingerprint.mostBits {
                if let distance = print.distance(to: other[second]) { found.append((first, second, distance)) }
            }
        }
        return found
    }
}

/// Room for fingerprints that several threads write, each at places of its own.
private struct FingerprintBuffer: @unchecked Sendable {
    let start: UnsafeMutablePointer<PictureFingerprint?>?

    func set(_ print: PictureFingerprint, at index: Int) { start?[index] = print }
}
