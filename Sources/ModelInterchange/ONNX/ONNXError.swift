import ModelFiles
public import NeuralGraph

/// An ONNX file that cannot be read, run or written. The message names the node or tensor, what is wrong and the remedy.
public struct ONNXError: DescribedError, Equatable {
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

    /// What happened while the file at `path` was worked on, as an error about that file.
    init(_ error: any Error, path: String) {
        switch error {
        case let error as ONNXError: self = error
        case let error as FileError: self.init(error.path, error.message)
        case let problem as ONNXProblem: self.init(path, problem.message)
        case let error as ShapeError: self.init(path, "node \(quoted(error.place)): \(error.message)")
        default: self.init(path, "\(error)")
        }
    }
}

/// What is wrong, while it is not known yet in which file.
struct ONNXProblem: Error {
    let message: String

    init(_ message: String) { self.message = message }

    /// A problem with a node.
    init(_ node: ONNXNode, _ message: String) {
        self.init("\(node.place): \(message)")
    }
}
