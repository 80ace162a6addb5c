public import Unlearning

/// An error of a key or a signed envelope, with the file, the fault and the remedy.
public struct SignatureError: DescribedError, Equatable {
    /// The file's path.
    package let path: String
    /// The fault and the remedy.
    public let message: String

    package init(_ path: String, _ message: String) {
        self.path = path
        self.message = message
    }

    /// The path and the message in one line.
    public var description: String { "\(path): \(message)" }
}
