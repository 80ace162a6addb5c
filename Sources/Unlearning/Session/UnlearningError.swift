import Foundation
public import NeuralGraph

/// An error that keeps a run from starting or finishing; the caller's model stays unchanged.
///
/// ```swift
/// do {
///     outcome = try await unlearner.forget(classes: [3])
/// } catch let error as UnlearningError where error.code == .retainDataHoldsForgottenClass {
///     print(error.localizedDescription)
/// }
/// ```
///
/// The message names the thing, its value and the remedy. Later versions may add codes.
public struct UnlearningError: DescribedError, Equatable {
    /// The kind of an error.
    public struct Code: Hashable, Sendable {
        private let name: String

        private init(_ name: String) { self.name = name }

        /// The classes to forget are missing, unknown, ambiguous, repeated or all of the model's.
        public static let invalidClasses = Code("invalidClasses")
        /// A data set's classes are not the model's.
        public static let differentClasses = Code("differentClasses")
        /// Data have no examples, or examples that do not fit the model.
        public static let unsuitableExamples = Code("unsuitableExamples")
        /// The retain data show a class that is to be forgotten.
        public static let retainDataHoldsForgottenClass = Code("retainDataHoldsForgottenClass")
        /// The forget data show a class that is to be retained.
        public static let forgetDataHoldsRetainedClass = Code("forgetDataHoldsRetainedClass")
        /// The method needs data or settings that were not given.
        public static let missingRequirement = Code("missingRequirement")
        /// The method cannot forget samples, or does not support the network.
        public static let unsupported = Code("unsupported")
        /// No method has this name.
        public static let unknownMethod = Code("unknownMethod")
        /// The model, an example or an output has an infinite or undefined number.
        public static let notFinite = Code("notFinite")
        /// A loss or a weight became infinite or undefined.
        public static let diverged = Code("diverged")
        /// The machine has too little memory, address space or threads.
        public static let insufficientResources = Code("insufficientResources")
        /// A file does not hold what is expected.
        public static let invalidFile = Code("invalidFile")
        /// A checkpoint cannot be used, is damaged, or is of another run.
        public static let unusableCheckpoint = Code("unusableCheckpoint")
        /// Processes that share a run have other programs, processors, models or data.
        public static let processesDiffer = Code("processesDiffer")
        /// A setting is out of range.
        public static let invalidSetting = Code("invalidSetting")
    }

    /// Numbers that other messages repeat.
    package enum Detail: Sendable {
        case divergence(step: Int, what: String)
        case output(index: Int, value: Float)
    }

    /// The kind of error.
    public let code: Code
    /// What is wrong and how to fix it, in one line.
    public let description: String
    package let detail: Detail?

    /// Creates an error, for a method of your own.
    /// - Parameters:
    ///   - code: the kind of error.
    ///   - message: one line that names the thing, its value and the remedy.
    public init(_ code: Code, _ message: String) {
        self.init(code, message, detail: nil)
    }

    fileprivate init(_ code: Code, _ message: String, detail: Detail?) {
        self.code = code
        description = message
        self.detail = detail
    }

    /// Whether code and message are equal.
    public static func == (one: UnlearningError, other: UnlearningError) -> Bool {
        one.code == other.code && one.description == other.description
    }
}

// Classes.
extension UnlearningError {
    package static var noClasses: Self {
        Self(.invalidClasses, "no class to forget was named; name at least one")
    }

    package static func allClasses(count: Int) -> Self {
        Self(
            .invalidClasses,
            "all \(count) classes were named or are forgotten already, which leaves nothing to retain; "
                + "leave out at least one")
    }

    package static func unknownClass(index: Int, classCount: Int) -> Self {
        Self(.invalidClasses, "the model has no class \(index); its classes are 0 to \(classCount - 1)")
    }

    package static func unknownClassName(name: String, known: [String]) -> Self {
        Self(
            .invalidClasses,
            "the model has no class '\(name)'\(NearestName.hint(for: name, in: known)); \(remedy(for: name, known: known))"
        )
    }

    /// - Parameter text: one class's name, of which each part between commas is a class too.
    package static func ambiguousClasses(text: String) -> Self {
        Self(
            .invalidClasses,
            "'\(text)' is one class, and each of its parts is one too; write \([text].quotedWhereNeeded), quotes "
                + "included, for the one, or give the parts one by one")
    }

    package static func repeatedClass(index: Int) -> Self {
        Self(.invalidClasses, "class \(index) is named twice; name each class once")
    }

    package static func wrongClassCount(data: String, found: Int, expected: Int) -> Self {
        Self(
            .differentClasses,
            "\(data) has \(found) classes, but the model has \(expected); "
                + "give the data set that the model was trained on")
    }

    package static func otherClasses(data: String, index: Int, found: String, expected: String) -> Self {
        Self(
            .differentClasses,
            "\(data): class \(index) is '\(found)', but the model's is '\(expected)'; "
                + "give the data set that the model was trained on")
    }

    private static let shownNames = 20

    /// Says which class may have been meant by a name that the model does not have.
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
}

// Data and methods.
extension UnlearningError {
    package static func noExamples(of data: String) -> Self {
        Self(.unsuitableExamples, "the \(data) data has no examples; give at least one")
    }

    package static func labelOutOfRange(data: String, label: Int, classCount: Int) -> Self {
        Self(
            .unsuitableExamples,
            "the \(data) data has label \(label), but the model's classes are 0 to \(classCount - 1); "
                + "check that data and model belong together")
    }

    package static func wrongExampleShape(data: String, found: TensorShape, expected: TensorShape) -> Self {
        Self(
            .unsuitableExamples,
            "the \(data) data's examples are \(found), but the model takes \(expected); prepare them for the model")
    }

    package static func retainsForgottenClass(index: Int, count: Int) -> Self {
        Self(
            .retainDataHoldsForgottenClass,
            "the retain data has \(count) examples of class \(index), which is to be forgotten; "
                + "leave them out, as in samples(perClass: 1000, excluding: [\(index)])")
    }

    package static func forgetsRetainedClass(index: Int, count: Int) -> Self {
        Self(
            .forgetDataHoldsRetainedClass,
            "the forget data has \(count) examples of class \(index), which is not to be forgotten; "
                + "give examples of the classes to forget alone, or forget samples")
    }

    package static func missingNeed(method: String, need: Requirement) -> Self {
        Self(
            .missingRequirement,
            "method '\(method)' needs \(need.description); give it as '\(need.argument)', or take another method")
    }

    package static func forgetsNoSamples(method: String) -> Self {
        Self(
            .unsupported,
            "method '\(method)' forgets whole classes alone; forget classes, or take a method that forgets samples")
    }

    package static func unknownMethod(name: String, known: [String]) -> Self {
        Self(
            .unknownMethod,
            "there is no method '\(name)'\(NearestName.hint(for: name, in: known)); the methods are: "
                + known.joined(separator: ", "))
    }

    package static func noLinearHead(method: String) -> Self {
        Self(
            .unsupported,
            "method '\(method)' changes rows of the last layer, but the network does not end in a linear layer; "
                + "take another method")
    }

    package static var shardsChanged: Self {
        Self(
            .unsupported,
            "the network's numbers are not those that its shards were trained to, so that no shard can stay as it is; take "
                + "the file that 'train --shards' or method 'sisa' wrote")
    }

    package static func otherShardData(shard: Int, found: Int, expected: Int) -> Self {
        Self(
            .unsuitableExamples,
            "shard \(shard) would hold \(found) of the images given, and was trained on \(expected)"
                + (found == expected ? " other ones" : "")
                + "; give the images that the network was trained on, and leave out, or name again, those that it has forgotten since"
        )
    }

    package static func notInputs(path: String, message: String) -> Self {
        Self(.invalidFile, "\(path): \(message)")
    }

    package static func invalidSetting(name: String, value: String, remedy: String) -> Self {
        Self(.invalidSetting, "\(name) cannot be \(value); \(remedy)")
    }
}

// Numbers and resources.
extension UnlearningError {
    package static func unsoundModel(_ fault: ModelFault) -> Self {
        Self(.notFinite, "the model's \(fault)")
    }

    package static func outputNotFinite(data: String, index: Int, value: Float) -> Self {
        Self(
            .notFinite,
            "the model gives \(value.named) for example \(index) of the \(data) data; its weights are too large, so use a "
                + "model whose training ended well",
            detail: .output(index: index, value: value))
    }

    package static func exampleNotFinite(data: String, index: Int) -> Self {
        Self(.notFinite, "the \(data) data's example \(index) has an infinite or undefined number; leave it out")
    }

    package static func diverged(phase: RunPhase, step: Int, what: String) -> Self {
        Self(
            .diverged, "\(phase.rawValue) diverged at step \(step): \(what) is not finite; use a lower learning rate",
            detail: .divergence(step: step, what: what))
    }

    package static func outOfMemory(batch: Int, needed: Int, available: Int) -> Self {
        Self(
            .insufficientResources,
            "batches of \(batch) take \(needed >> 20) MiB, and this machine has \(available >> 20) MiB; "
                + "use a smaller batch or smaller images")
    }

    package static var noThread: Self {
        Self(
            .insufficientResources,
            "the system gives this program no thread to compute on; allow more processes, as by ulimit -u, or more "
                + "address space, as by ulimit -v")
    }

    package static func addressSpaceExhausted(needed: Int, limit: Int) -> Self {
        Self(
            .insufficientResources,
            "\(needed >> 20) MiB more of address space are needed, and the system allows this program "
                + "\(limit >> 20) MiB in all; allow more, as by ulimit -v, or use smaller batches or fewer threads")
    }
}
