import Foundation
public import NeuralGraph

/// An error of a picture file.
///
/// Every message is one line that names the file, what is wrong and the remedy.
public struct PictureError: DescribedError, Hashable, Sendable {
    /// The file.
    public let path: String
    /// What is wrong, without the file's name and the remedy.
    public let reason: String
    private let remedy: String

    private init(path: String, _ reason: String, _ remedy: String) {
        self.path = path
        self.reason = reason.oneLine
        self.remedy = remedy
    }

    private static let replacing = "replace or remove it, or skip unreadable pictures"

    /// - Parameter reason: the system's.
    static func unreadable(path: String, reason: String) -> Self {
        Self(path: path, "cannot be read (\(reason))", "give a readable file")
    }

    package static func empty(path: String) -> Self {
        Self(path: path, "is empty", replacing)
    }

    package static func notAPicture(path: String) -> Self {
        Self(path: path, "is no \(PictureKind.readFormats) picture", "convert it to one of them, or remove it")
    }

    package static func truncated(path: String) -> Self {
        Self(path: path, "is cut short", replacing)
    }

    /// - Parameter reason: the decoder's.
    package static func damaged(path: String, reason: String) -> Self {
        Self(path: path, "is damaged (\(reason))", replacing)
    }

    package static func tooLarge(path: String, reason: String) -> Self {
        Self(path: path, "is too large: \(reason)", "make it smaller or remove it")
    }

    static func outOfMemory(path: String) -> Self {
        Self(path: path, "takes more memory than there is", "make it smaller")
    }
}

extension PictureError {
    /// What is wrong and how to fix it, in one line.
    public var description: String { "\(path.oneLine): \(reason); \(remedy)" }
}

extension String {
    /// The text with a question mark for every control character: names come from outside, and a line break in one
    /// must not break the line.
    var oneLine: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }
}
