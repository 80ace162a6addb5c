import Foundation
import NeuralGraph

/// What keeps a run from starting or finishing. The caller's model is as it was, whatever happens.
public enum UnlearningError: Error, Equatable {
    /// No class was named.
    case noClasses
    /// Every class was named, which leaves nothing to retain.
    case allClasses(count: Int)
    /// The model has no class of this number.
    case unknownClass(index: Int, classCount: Int)
    /// The model has no class of this name.
    case unknownClassName(name: String, known: [String])
    /// A text with commas is one class's name, and so is each of its parts.
    case ambiguousClasses(text: String)
    /// A list of classes names one of them twice.
    case repeatedClass(index: Int)
    /// A data set has another number of classes than the model.
    case wrongClassCount(data: String, found: Int, expected: Int)
    /// A data set's class has another name than the model's of the same number.
    case otherClasses(data: String, index: Int, found: String, expected: String)
    /// There are no examples to work with.
    case noExamples(of: String)
    /// The retain data shows a class that is to be forgotten.
    case retainsForgottenClass(index: Int, count: Int)
    /// The forget data shows a class that is to be retained.
    case forgetsRetainedClass(index: Int, count: Int)
    /// A method lacks something that it cannot do without.
    case missingNeed(method: String, need: Requirement)
    /// A method forgets whole classes alone, and was given samples.
    case forgetsNoSamples(method: String)
    /// There is no method of this name.
    case unknownMethod(name: String, known: [String])
    /// A method works on the last layer, and the network does not end in a linear one.
    case noLinearHead(method: String)
    /// A label is not one of the model's classes.
    case labelOutOfRange(data: String, label: Int, classCount: Int)
    /// Examples have another shape than the model's input.
    case wrongExampleShape(data: String, found: TensorShape, expected: TensorShape)
    /// The model has a number before anything was done that no computation can be trusted with.
    case unsoundModel(ModelFault)
    /// A model's answer to an example is infinite or undefined.
    case outputNotFinite(data: String, index: Int, value: Float)
    /// An example has an infinite or undefined number.
    case exampleNotFinite(data: String, index: Int)
    /// A loss or a weight became infinite or undefined.
    case diverged(phase: RunPhase, step: Int, what: String)
    /// A run needs more memory than the machine has.
    case outOfMemory(batch: Int, needed: Int, available: Int)
    /// The system has no thread to give, which a limit of processes or of the address space may cause.
    case noThread
    /// A run needs more address space than a limit leaves.
    case addressSpaceExhausted(needed: Int, limit: Int)
    /// A file of inputs holds something else.
    case notInputs(path: String, message: String)
    /// A setting is out of range.
    case invalidSetting(name: String, value: String, remedy: String)
}

extension UnlearningError: CustomStringConvertible, LocalizedError {
    private static let shownNames = 20

    /// How a class that a model does not have may have been meant.
    private static func remedy(for name: String, known: [String]) -> String {
        guard !known.isEmpty else { return "its classes have no names, so use numbers" }
        let withCommas = known.filter { $0.contains(",") }
        if let meant = withCommas.first(where: {
            $0.split(separator: ",").contains { $0.drop(while: \.isWhitespace) == name }
        }) {
            return "if '\(meant)' is meant, write \([meant].quotedWhereNeeded), quotes included"
        }
        let more = known.count > shownNames ? " and \(known.count - shownNames) more" : ""
        let quotes = withCommas.isEmpty ? "" : "; quotes belong to names with commas"
        return "its classes are: \(known.prefix(shownNames).quotedWhereNeeded)\(more)\(quotes)"
    }

    /// The message as Foundation asks for it.
    public var errorDescription: String? { description }

    /// What is wrong and how to help it, in one line.
    public var description: String {
        switch self {
        case .noClasses:
            return "no class to forget was named; name at least one"
        case .allClasses(let count):
            return "all \(count) classes were named or are forgotten already, which leaves nothing to retain; "
                + "leave out at least one"
        case .unknownClass(let index, let classCount):
            return "the model has no class \(index); its classes are 0 to \(classCount - 1)"
        case .unknownClassName(let name, let known):
            return "the model has no class '\(name)'\(NearestName.hint(for: name, in: known)); "
                + Self.remedy(for: name, known: known)
        case .ambiguousClasses(let text):
            return
                "'\(text)' is one class, and each of its parts is one too; write \([text].quotedWhereNeeded), quotes "
                + "included, for the one, or give the parts one by one"
        case .repeatedClass(let index):
            return "class \(index) is named twice; name each class once"
        case .wrongClassCount(let data, let found, let expected):
            return "\(data) has \(found) classes, but the model has \(expected); "
                + "give the data set that the model was trained on"
        case .otherClasses(let data, let index, let found, let expected):
            return "\(data): class \(index) is '\(found)', but the model's is '\(expected)'; "
                + "give the data set that the model was trained on"
        case .noExamples(let data):
            return "the \(data) data has no examples; give at least one"
        case .retainsForgottenClass(let index, let count):
            return "the retain data has \(count) examples of class \(index), which is to be forgotten; "
                + "leave them out, as in samples(perClass: 1000, excluding: [\(index)])"
        case .forgetsRetainedClass(let index, let count):
            return "the forget data has \(count) examples of class \(index), which is not to be forgotten; "
                + "give examples of the classes to forget alone, or forget samples"
        case .missingNeed(let method, let need):
            return "method '\(method)' needs \(need.description); give it as '\(need.argument)', or take another method"
        case .forgetsNoSamples(let method):
            return
                "method '\(method)' forgets whole classes alone; forget classes, or take a method that forgets samples"
        case .unknownMethod(let name, let known):
            return "there is no method '\(name)'\(NearestName.hint(for: name, in: known)); the methods are: "
                + known.joined(separator: ", ")
        case .noLinearHead(let method):
            return "method '\(method)' changes rows of the last layer, but the network does not end in a linear layer; "
                + "take another method"
        case .labelOutOfRange(let data, let label, let classCount):
            return "the \(data) data has label \(label), but the model's classes are 0 to \(classCount - 1); "
                + "check that data and model belong together"
        case .wrongExampleShape(let data, let found, let expected):
            return "the \(data) data's examples are \(found), but the model takes \(expected); "
                + "prepare them for the model"
        case .unsoundModel(let fault):
            return "the model's \(fault)"
        case .outputNotFinite(let data, let index, let value):
            return
                "the model gives \(value.named) for example \(index) of the \(data) data; its weights are too large, so use a "
                + "model whose training ended well"
        case .exampleNotFinite(let data, let index):
            return "the \(data) data's example \(index) has an infinite or undefined number; leave it out"
        case .diverged(let phase, let step, let what):
            return
                "\(phase.rawValue) diverged at step \(step): \(what) is not finite; use a lower learning rate"
        case .outOfMemory(let batch, let needed, let available):
            return
                "batches of \(batch) take \(needed >> 20) MiB, and this machine has \(available >> 20) MiB; "
                + "use a smaller batch or smaller images"
        case .noThread:
            return
                "the system gives this program no thread to compute on; allow more processes, as by ulimit -u, or more "
                + "address space, as by ulimit -v"
        case .addressSpaceExhausted(let needed, let limit):
            return "\(needed >> 20) MiB more of address space are needed, and the system allows this program "
                + "\(limit >> 20) MiB in all; allow more, as by ulimit -v, or use smaller batches or fewer threads"
        case .notInputs(let path, let message):
            return "\(path): \(message)"
        case .invalidSetting(let name, let value, let remedy):
            return "\(name) cannot be \(value); \(remedy)"
        }
    }
}
