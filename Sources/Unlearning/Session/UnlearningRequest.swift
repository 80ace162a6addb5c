public import ImageDatasets
public import NeuralGraph

/// What a method is asked to forget, with the model and the data; checked before the method sees it.
public struct UnlearningRequest: Sendable {
    /// What is to be forgotten: classes as a whole, or the forget data, whose classes stay.
    package enum Target: Sendable, Hashable {
        case classes(Set<Int>)
        case samples
    }

    /// The original.
    public let model: Model
    /// What is to be forgotten.
    package let target: Target
    /// How the original was trained, if that is known.
    let training: TrainingConfiguration?

    /// Retain examples that were left out, since an earlier request had their class forgotten.
    let leftOutCount: Int

    private var retain: (any ExampleSource)?
    private let forget: (any ExampleSource)?
    private let method: String

    package init(
        model: Model, target: Target, retain: (any ExampleSource)?, forget: (any ExampleSource)?,
        training: TrainingConfiguration?, method: any UnlearningMethod
    ) throws {
        self.model = model
        self.target = target
        let earlier = model.metadata.forgottenClasses
        let kept = try retain?.excluding(earlier)
        leftOutCount = (retain?.count ?? 0) - (kept?.count ?? 0)
        self.retain = kept
        self.forget = forget
        self.training = training
        self.method = method.name
        try check(method)
    }

    /// The classes to forget; empty if samples are.
    public var classes: Set<Int> {
        if case .classes(let classes) = target { classes } else { [] }
    }

    /// The classes that the model has forgotten before, without those of this request.
    public var earlierClasses: Set<Int> { model.metadata.forgottenClasses.subtracting(classes) }

    /// All classes that the new model must not know: those of this request and of earlier ones.
    ///
    /// A method leaves them out of every teacher and target.
    public var forgottenClasses: Set<Int> { model.metadata.forgottenClasses.union(classes) }

    /// Returns the examples to retain, in the shape of the model's input.
    /// - Throws: ``UnlearningError`` if there are none. A method that requires them always has some.
    public func retained() throws -> any ExampleSource {
        guard let retain else { throw UnlearningError.missingNeed(method: method, need: .retainData) }
        return retain
    }

    /// The examples to retain, if there are any.
    var retainedIfAny: (any ExampleSource)? { retain }

    /// The request with some of the examples to retain.
    func retaining(only indices: [Int]) throws -> UnlearningRequest {
        var request = self
        request.retain = try ExampleSubset(retained(), indices: indices)
        return request
    }

    /// Returns the examples to forget, in the shape of the model's input.
    /// - Throws: ``UnlearningError`` if there are none.
    public func forgotten() throws -> any ExampleSource {
        guard let forget else { throw UnlearningError.missingNeed(method: method, need: .forgetData) }
        return forget
    }

    /// Returns how the original was trained.
    /// - Throws: ``UnlearningError`` if that is not known.
    public func originalTraining() throws -> TrainingConfiguration {
        guard let training else { throw UnlearningError.missingNeed(method: method, need: .originalTraining) }
        return training
    }

    /// The number of examples to retain.
    public var retainedCount: Int { retain?.count ?? 0 }
    /// The number of examples to forget.
    public var forgottenCount: Int { forget?.count ?? 0 }

    /// Notes what earlier requests mean for this one.
    func noteEarlierRequests(in session: UnlearningSession) {
        let again = classes.intersection(model.metadata.forgottenClasses)
        if !again.isEmpty { session.note(model.metadata.noteOfRepeatedRequest(for: again)) }
        if !earlierClasses.isEmpty {
            let leftOut =
                leftOutCount > 0 ? ", and \(leftOutCount) examples of the retain data are left out for it" : ""
            session.note(
                "The model has forgotten \(model.metadata.namesWithDates(of: earlierClasses)) before, which stays "
                    + "forgotten\(leftOut).")
        }
    }

    private func check(_ method: any UnlearningMethod) throws {
        try method.validate()
        if case .classes(let classes) = target { try model.checkForgettable(classes) } else { try model.checkNumbers() }
        if case .samples = target, !method.supportsSamples {
            throw UnlearningError.forgetsNoSamples(method: method.name)
        }
        for need in Requirement.allCases where method.requirements.contains(need) {
            switch need {
            case .retainData, .allRetainData: _ = try retained()
            case .forgetData: _ = try forgotten()
            case .originalTraining: try originalTraining().validate()
            case .shards:
                guard model.shardRecord != nil else {
                    throw UnlearningError.missingNeed(method: method.name, need: .shards)
                }
            }
        }
        if let retain { try model.check(retain, named: "retain") }
        if let forget { try model.check(forget, named: "forget") }
        guard case .classes(let classes) = target else { return }
        let shown = retain?.labels.filter(classes.contains) ?? []
        if let label = shown.min() {
            throw UnlearningError.retainsForgottenClass(index: label, count: shown.count { $0 == label })
        }
        let others = forget?.labels.filter { !classes.contains($0) } ?? []
        if let label = others.min() {
            throw UnlearningError.forgetsRetainedClass(index: label, count: others.count { $0 == label })
        }
    }
}

extension ModelMetadata {
    /// The note about classes that are asked for again.
    package func noteOfRepeatedRequest(for classes: Set<Int>) -> String {
        "The model has forgotten \(namesWithDates(of: classes)) before; it is made to forget again."
    }

    /// Classes in words, each with the date and the record of the last request for it, if the file has them.
    func namesWithDates(of classes: Set<Int>) -> String {
        classes.sorted().map { index in
            let request = lastRequest(for: index)
            let details = [
                request?.date.map { "on \($0.prefix(10))" }, request?.record.map { "record \($0.prefix(12))" },
            ].compactMap(\.self)
            return classNames.className(index) + (details.isEmpty ? "" : " (\(details.joined(separator: ", ")))")
        }.joined(separator: ", ")
    }
}
