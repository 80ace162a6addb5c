import Foundation
import Unlearning

/// The images that a run saw, as a digest, so that a record can identify them without holding them.
public struct RetainList: Sendable, Codable, Hashable {
    /// The data set's name, such as `Fashion-MNIST (train)`.
    package let dataset: String
    /// The number of images.
    package let count: Int
    /// The digest of the list of images.
    ///
    /// The list has a line for each image in order: its position in the data set and its class as decimal numbers, separated
    /// by a space and ended by a line feed.
    package let sha256: SHA256Digest

    /// Lists the images of a subset.
    public init(_ samples: ImageSubset) {
        dataset = samples.name
        count = samples.count
        var lines = ""
        for (position, index) in samples.indices.enumerated() {
            lines += "\(index) \(samples.label(at: position))\n"
        }
        sha256 = SHA256Digest(of: Data(lines.utf8))
    }
}
