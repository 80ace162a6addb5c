import Foundation

/// A file that cannot be read or written. The message names the file, what is wrong and the remedy.
public struct FileError: Error, Equatable, CustomStringConvertible {
    /// The file's path.
    public let path: String
    /// What is wrong, and what would be right.
    public let message: String

    /// Creates an error about a file.
    public init(_ path: String, _ message: String) {
        self.path = path
        self.message = message
    }

    /// The path and the message in one line.
    public var description: String { "\(path): \(message)" }

    /// An error that the operating system reported through `errno`.
    init(_ path: String, _ attempt: String, code: Int32) {
        self.init(path, "\(attempt): \(String(cString: strerror(code)))")
    }
}
