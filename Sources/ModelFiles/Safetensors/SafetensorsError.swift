import Foundation
public import NeuralGraph

/// A safetensors file that cannot be read or written. The message names what is wrong, where, and the remedy.
public struct SafetensorsError: DescribedError, Equatable {
    /// The file's path.
    public let path: String
    /// The problem and the remedy.
    public let message: String

    /// Creates an error about a file.
    package init(_ path: String, _ message: String) {
        self.path = path
        self.message = message
    }

    /// The path and the message in one line.
    public var description: String { "\(path): \(message)" }

    package init(_ error: FileError) {
        self.init(error.path, error.message)
    }
}
