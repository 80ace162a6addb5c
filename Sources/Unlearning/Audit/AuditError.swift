import Foundation
import NeuralGraph

/// What keeps an audit from starting. Measures that alone can't be taken are left out instead, with the reason.
public enum AuditError: Error, Equatable {
    /// A model has another number of classes than the original.
    case otherClassCount(model: String, found: Int, expected: Int)
    /// A model takes another input than the original.
    case otherInputShape(model: String, found: TensorShape, expected: TensorShape)
    /// A model has a number that no computation can be trusted with.
    case unsoundModel(model: String, fault: ModelFault)
    /// A model's answer to an example is infinite or undefined.
    case outputNotFinite(model: String, data: String, example: Int, value: Float)
    /// A retrained model, counted from 1, is no yardstick.
    case unusableReference(number: Int, fault: ReferenceFault)
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
        case .unsoundModel(let model, let fault):
            "the \(model) model's \(fault)"
        case .outputNotFinite(let model, let data, let example, let value):
            "the \(model) model gives \(value.named) for example \(example) of the \(data) data; its weights are too large, so "
                + "use a model whose training ended well"
        case .unusableReference(let number, let fault):
            "retrained model \(number) \(fault)"
        case .forgottenClassMissing(let index, let name):
            "the test data has no example of class \(index) (\(name)), which was to be forgotten; "
                + "an audit needs some to see whether it is still known"
        case .retainedClassesMissing:
            "the test data has no example of a retained class; give some of every class"
        }
    }
}

/// Why a retrained model is no yardstick.
public enum ReferenceFault: Sendable, Equatable {
    /// It is the model before forgetting.
    case isOriginal
    /// It is the model after forgetting.
    case isUnlearned
    /// It is another of the retrained models, counted from 1.
    case isRepeated(Int)
    /// It puts too many images of a class that it should never have seen into it.
    case knowsClass(index: Int, name: String, right: Int, count: Int)
}

extension ReferenceFault: CustomStringConvertible {
    /// What is wrong and how to help it, in a sentence without its subject.
    public var description: String {
        let remedy = "give a model that was trained without the forgotten classes"
        switch self {
        case .isOriginal: return "is the original, number for number; \(remedy)"
        case .isUnlearned: return "is the unlearned model, number for number; \(remedy), from another seed"
        case .isRepeated(let other): return "is the same as retrained model \(other); give each model once"
        case .knowsClass(let index, let name, let right, let count):
            let share = Double?(Double(right) / Double(max(1, count))).percentText
            let label = name == String(index) ? "class \(index)" : "class \(index) (\(name))"
            return
                "knows \(label): it puts \(right) of \(count) of its images (\(share)) into it, and one that never saw the "
                + "class hardly any; \(remedy)"
        }
    }
}

/// A model was not handed over, since its audit failed, or could not show that it has forgotten.
public struct AuditFailure: Error, CustomStringConvertible, LocalizedError {
    /// What the audit found.
    public let result: AuditResult

    /// The message as Foundation asks for it.
    public var errorDescription: String? { description }

    /// Which measures failed, or what is missing, in one line.
    public var description: String {
        guard result.verdict.total != .inconclusive else {
            return "the model is not handed over, since its audit is inconclusive: "
                + result.verdict.missingEvidence.joined(separator: "; ")
        }
        let names = result.verdict.failed.map(\.rawValue).joined(separator: ", ")
        return "the model is not handed over, since its audit failed on: \(names); "
            + "forget with other settings, or set other limits"
    }
}
