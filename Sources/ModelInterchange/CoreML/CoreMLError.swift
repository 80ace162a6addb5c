import ModelFiles
public import NeuralGraph

/// A Core ML model that cannot be read, run or written. The message names the operation or file, what is wrong and the remedy.
public struct CoreMLError: DescribedError, Equatable {
    /// The model's path.
    public let path: String
    /// The problem and the remedy.
    public let message: String

    /// Creates an error about a model.
    package init(_ path: String, _ message: String) {
        self.path = path
        self.message = message
    }

    /// The path and the message in one line.
    public var description: String { "\(path): \(message)" }

    /// What happened while the model at `path` was worked on, as an error about that model.
    init(_ error: any Error, path: String) {
        switch error {
        case let error as CoreMLError: self = error
        case let error as FileError: self.init(error.path, error.message)
        case let problem as ONNXProblem: self.init(path, problem.message)
        case let error as SafetensorsError: self.init(error.path, error.message)
        case let error as ShapeError: self.init(path, "operation \(quoted(error.place)): \(error.message)")
        default: self.init(path, "\(error)")
        }
    }
}
