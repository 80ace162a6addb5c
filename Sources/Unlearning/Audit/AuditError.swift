public import NeuralGraph

/// An error that keeps an audit from its result. A single measure that lacks evidence is left out instead, with the
/// reason.
public struct AuditError: Error, Equatable {
    /// A kind of error. More kinds may be added.
    public struct Code: Sendable, Hashable {
        let name: String

        /// The models do not have the same classes or the same input.
        public static let incompatibleModels = Code(name: "incompatible models")
        /// A model's weights or outputs are infinite, undefined or otherwise impossible.
        public static let unsoundModel = Code(name: "unsound model")
        /// A retrained model cannot serve as a reference.
        public static let unusableReference = Code(name: "unusable reference")
        /// The test data lacks all retained classes.
        public static let missingData = Code(name: "missing data")
        /// A measure is described wrongly, threw an error or gave an impossible result.
        public static let invalidMeasure = Code(name: "invalid measure")
    }

    /// The kind of error.
    public let code: Code
    /// The error in one line: the thing, the value and the remedy.
    public let message: String
    /// The retrained model that cannot serve as a reference, and the reason.
    package var reference: UnusableReference?

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

extension AuditError: DescribedError {
    /// The message.
    public var description: String { message }
}

extension AuditError {
    static func otherClassCount(model: String, found: Int, expected: Int) -> AuditError {
        AuditError(
            .incompatibleModels,
            "the \(model) model has \(found) classes, but the original has \(expected); give models of the same classes"
        )
    }

    static func otherInputShape(model: String, found: TensorShape, expected: TensorShape) -> AuditError {
        AuditError(
            .incompatibleModels,
            "the \(model) model takes \(found), but the original takes \(expected); give models of the same input")
    }

    static func unsoundModel(model: String, fault: ModelFault) -> AuditError {
        AuditError(.unsoundModel, "the \(model) model's \(fault)")
    }

    static func outputNotFinite(model: String, data: String, example: Int, value: Float) -> AuditError {
        AuditError(
            .unsoundModel,
            "the \(model) model gives \(value.named) for example \(example) of the \(data) data; its weights are too large, "
                + "so use a model whose training ended well")
    }

    package static func unusableReference(number: Int, fault: ReferenceFault) -> AuditError {
        var error = AuditError(.unusableReference, "retrained model \(number) \(fault)")
        error.reference = UnusableReference(number: number, fault: fault)
        return error
    }

    static let retainedClassesMissing = AuditError(
        .missingData, "the test data has no example of a retained class; give some of every class")

    static func invalidMeasure(_ identifier: String, _ fault: String) -> AuditError {
        AuditError(.invalidMeasure, "the measure '\(identifier)' \(fault)")
    }

    static func invalidResult(of identifier: MeasureIdentifier, _ found: String, remedy: String) -> AuditError {
        invalidMeasure(identifier.rawValue, "gave \(found); \(remedy)")
    }
}

/// A retrained model that cannot serve as a reference.
package struct UnusableReference: Sendable, Equatable {
    /// The model's number, from 1.
    package let number: Int
    /// The reason.
    package let fault: ReferenceFault
}

/// The reason why a retrained model cannot serve as a reference.
package enum ReferenceFault: Sendable, Equatable {
    /// It is the model before forgetting.
    case isOriginal
    /// It is the model after forgetting.
    case isUnlearned
    /// It is another of the retrained models, counted from 1.
    case isRepeated(Int)
    /// It recognizes too many images of a class that it should never have seen.
    case knowsClass(index: Int, name: String, right: Int, count: Int)
}

extension ReferenceFault: CustomStringConvertible {
    /// The fault and the remedy, as a sentence without its subject.
    package var description: String {
        let remedy = "give a model that was trained without the forgotten classes"
        switch self {
        case .isOriginal: return "has the same weights as the original; \(remedy)"
        case .isUnlearned: return "has the same weights as the unlearned model; \(remedy), from another seed"
        case .isRepeated(let other): return "is the same as retrained model \(other); give each model once"
        case .knowsClass(let index, let name, let right, let count):
            let share = Double?(Double(right) / Double(max(1, count))).percentText
            let label = name == String(index) ? "class \(index)" : "class \(index) (\(name))"
            return
                "knows \(label): it recognizes \(right) of its \(count) images (\(share)), where a model that never saw the "
                + "class recognizes almost none; \(remedy)"
        }
    }
}

/// An error that withholds a model because its audit did not end in a pass.
public struct AuditFailure: DescribedError {
    /// The audit's result.
    public let result: AuditResult

    /// Creates an error of an audit's result.
    public init(result: AuditResult) {
        self.result = result
    }

    /// The measures beyond their limits, or the evidence that is missing, in one line.
    public var description: String {
        let verdict = result.verdict
        guard verdict.total != .incomplete else {
            return "the model is withheld because its audit is incomplete: "
                + verdict.missingEvidence.joined(separator: "; ")
        }
        let names = verdict.carriedBy.map(\.rawValue).joined(separator: ", ")
        return
            "the model is withheld because its audit found it \(verdict.total == .leak ? "to leak" : "over-forgotten") by: "
            + "\(names); forget with other settings, or set other limits"
    }
}
