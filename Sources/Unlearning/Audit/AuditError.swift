import Foundation
import NeuralGraph

/// What keeps an audit from starting. Measures that alone can't be taken are left out instead, with the reason.
public enum AuditError: Error, Equatable {
    /// A model has another number of classes than the original.
    case otherClassCount(model: String, found: Int, expected: Int)
    /// A model takes another input than the original.
    case otherInputShape(model: String, found: Shape, expected: Shape)
    /// A model has an infinite or undefined number.
    case modelNotFinite(model: String, tensor: String)
    /// A model's answer to an example is infinite or undefined.
    case outputNotFinite(model: String, example: Int)
    /// The test data shows no example of a class that was to be forgotten.
    case forgottenClassMissing(index: Int, name: String)
    /// The test data shows forgotten classes alone.
    case retainedClassesMissing
}

extension AuditError: CustomStringConvertible, LocalizedError {
    /// The message as Foundation asks for it.
    public var errorDescription: String? { description }

    /// What is wrong and how to help it, in one line.
    public var description: String {
        switch self {
        case .otherClassCount(let model, let found, let expected):
            "the \(model) model has \(found) classes, but the original has \(expected); "
                + "give models of the same classes"
        case .otherInputShape(let model, let found, let expected):
            "the \(model) model takes \(found), but the original takes \(expected); "
                + "give models of the same input"
        case .modelNotFinite(let model, let tensor):
            "the \(model) model's tensor '\(tensor)' has an infinite or undefined number; "
                + "use a model whose training ended well"
        case .outputNotFinite(let model, let example):
            "the \(model) model's answer to example \(example) is infinite or undefined; "
                + "its weights are too large, or the example has such a number"
        case .forgottenClassMissing(let index, let name):
            "the test data has no example of class \(index) (\(name)), which was to be forgotten; "
                + "an audit needs some to see whether it is still known"
        case .retainedClassesMissing:
            "the test data has no example of a retained class; give some of every class"
        }
    }
}

/// A model was not handed over, since its audit failed.
public struct AuditFailure: Error, CustomStringConvertible, LocalizedError {
    /// What the audit found.
    public let result: AuditResult

    /// The message as Foundation asks for it.
    public var errorDescription: String? { description }

    /// Which measures failed, in one line.
    public var description: String {
        let names = result.verdict.failed.map(\.rawValue).joined(separator: ", ")
        return "the model is not handed over, since its audit failed on: \(names); "
            + "forget with other settings, or set other limits"
    }
}
