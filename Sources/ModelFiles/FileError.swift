import Foundation
public import NeuralGraph

/// A file of a model or of results that cannot be read, run or written.
///
/// The message names the tensor, node or operation, what is wrong with it, and the remedy.
public struct FileError: DescribedError, Equatable {
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

    /// An error that the operating system reported through `errno`.
    package init(_ path: String, _ attempt: String, code: Int32) {
        self.init(path, unsafe "\(attempt): \(String(cString: strerror(code)))")
    }
}

/// Text from a file, made fit for one line of a message: no control characters, and not too long.
package func quoted(_ text: String) -> String {
    var result = "'"
    for scalar in text.unicodeScalars.prefix(100) {
        let category = scalar.properties.generalCategory
        let isPlain = category != .control && category != .lineSeparator && category != .paragraphSeparator
        result += isPlain ? String(scalar) : "\\u{\(String(scalar.value, radix: 16))}"
    }
    return result + (text.unicodeScalars.count > 100 ? "...'" : "'")
}
