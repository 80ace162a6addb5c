import ModelFiles
import NeuralGraph

/// What is wrong, while it is not known yet in which file.
package struct ONNXProblem: Error {
    let message: String

    init(_ message: String) { self.message = message }

    /// A problem with a node.
    init(_ node: ONNXNode, _ message: String) {
        self.init("\(node.place): \(message)")
    }
}

extension FileError {
    /// What happened while the model at `path` was worked on, as an error about that model.
    /// - Parameter part: what the model's format calls the place of a `ShapeError`, such as `node`.
    init(_ error: any Error, path: String, part: String) {
        switch error {
        case let error as FileError: self = error
        case let problem as ONNXProblem: self.init(path, problem.message)
        case let error as ShapeError: self.init(path, "\(part) \(quoted(error.place)): \(error.message)")
        default: self.init(path, "\(error)")
        }
    }
}
