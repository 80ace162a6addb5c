import Unlearning

/// Moves away from the original on the forget data and keeps to it on the retain data, in turns: SCRUB (Kurmanji et al.,
/// arXiv 2302.09880), equation 3, with gradient clipping and a schedule of its own.
struct Scrubbing: UnlearningMethod {
    let name = "scrubbing"
    let requirements: Set<Requirement> = [.retainData, .forgetData]
    let supportsSamples = true

    var temperature: Float = 1
    var maximizingEpochs = 6
    var training = TrainingConfiguration(
        epochs: 8, batchSize: 40, learningRate: 1e-2, schedule: .cosine, clipping: .norm(5))

    func validate() throws {
        try training.validate()
        guard maximizingEpochs >= 0 else {
            throw UnlearningError(.invalidSetting, "maximizing epochs cannot be \(maximizingEpochs); use 0 or more")
        }
    }

    func run(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        let (model, forget, retain) = (request.model, try request.forgotten(), try request.retained())
        let away = Objective.sum(
            (-1, .teacher(try session.outputs(of: model, on: forget), temperature: temperature)))
        let near = Objective.sum(
            (0.1, .teacher(try session.outputs(of: model, on: retain), temperature: temperature)), (1, .labels()))
        var passes: [TrainingPass] = []
        for epoch in 0..<training.epochs {
            if epoch < maximizingEpochs {
                passes.append(TrainingPass(over: forget, named: "forget", batchSize: 5, minimizing: away))
            }
            passes.append(
                TrainingPass(over: retain, named: "retain", batchSize: training.batchSize, minimizing: near))
        }
        session.note("\(passes.count) passes")
        return try session.train(model, passes: passes, training, phase: .forgetting)
    }
}

/// Makes weights smaller that matter much more for the forget data than for the retain data: selective synaptic dampening
/// (Foster et al., arXiv 2308.07707), equations 7 and 8, then a short repair.
struct Dampening: UnlearningMethod {
    let name = "dampening"
    let requirements: Set<Requirement> = [.retainData, .forgetData]

    var selection: Float = 2
    var dampening: Float = 0.5
    var repair = TrainingConfiguration(epochs: 4, batchSize: 40, learningRate: 2e-3)

    func validate() throws {
        try repair.validate()
        guard selection > 0, dampening > 0 else {
            throw UnlearningError(
                .invalidSetting,
                "selection \(selection) and dampening \(dampening) are not both above 0; use such numbers")
        }
    }

    func phaseCosts(of request: UnlearningRequest) -> [Double] {
        let (retained, forgotten) = (Double(request.retainedCount), Double(request.forgottenCount))
        return [3 * retained, 3 * forgotten, 0, 3 * retained * Double(repair.epochs)]
    }

    func run(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        let retained = try session.meanGradients(
            of: request.model, on: request.retained(), squared: true, examplesPerGradient: 4, limit: 400)
        let forgotten = try session.meanGradients(
            of: request.model, on: request.forgotten(), squared: true, examplesPerGradient: 4, limit: 400)
        let dampened = try session.phase(.forgetting) {
            var changed = request.model.parameters
            for (name, tensor) in request.model.parameters {
                guard let common = retained[name], let special = forgotten[name] else { continue }
                var tensor = tensor
                for index in 0..<tensor.count where special[index] > selection * common[index] {
                    tensor[index] *= min(dampening * common[index] / special[index], 1)
                }
                changed[name] = tensor
            }
            try session.finished(1, of: 1, in: .forgetting)
            return try request.model.replacing(changed)
        }
        return try session.train(dampened, on: request.retained(), repair, phase: .repair)
    }
}

extension AllExamples {
    /// Methods that are written outside the library with its public names alone.
    static func ownMethods(_ model: Model, _ examples: TensorExamples, _ unseen: TensorExamples) async throws {
        let retain = try without(label: 2, examples)
        let rows = (0..<examples.count).filter { examples.label(at: $0) == 2 }
        let (inputs, labels) = try examples.tensor(at: rows)
        let forget = try TensorExamples(inputs, labels: labels)
        for method in [Scrubbing(), Dampening()] as [any UnlearningMethod] {
            let outcome = try await Unlearner(
                model: model, retaining: retain, forgetting: forget, validation: unseen, method: method
            ).forget(classes: [2])
            print("\(method.name): \(outcome.summary)")
            try expect(outcome.accuracyAfter?.forgotten ?? 1 < 0.2, "\(method.name) forgets the class")
            try expect(outcome.accuracyAfter?.retained ?? 0 > 0.8, "\(method.name) retains the others")
        }
        do {
            _ = try await Unlearner(model: model, retaining: retain, method: Scrubbing()).forget(classes: [2])
            try expect(false, "a method without its forget data is refused")
        } catch let error as UnlearningError where error.code == .missingRequirement {
            print(error.localizedDescription)
        }
    }
}
