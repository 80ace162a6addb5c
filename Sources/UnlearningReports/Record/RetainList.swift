import Foundation
import Unlearning

/// Which images forgetting was shown, as a digest: a record can name them without holding them.
public struct RetainList: Sendable, Codable, Hashable {
    /// The data set's name, such as `Fashion-MNIST (train)`.
    public let dataset: String
    /// The number of images.
    public let count: Int
    /// The digest of the list: one line for each image in order, its position in the data set and its class as decimal
    /// numbers with a space between them, each line ended by a line feed.
    public let sha256: SHA256Digest

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
