import ImageDatasets
import NeuralGraph

/// The network, as a student, moves away from the original on the forget data and keeps to it on the retain data, in
/// turns: for the first epochs a pass that maximizes `T² KL(teacher || student)` over the forget data, and in every epoch
/// a pass that minimizes `α T² KL(teacher || student) + γ CE` over the retain data.
///
/// Source: Kurmanji et al., "Towards Unbounded Machine Unlearning" (NeurIPS 2023, arXiv 2302.09880), equation 3 and
/// algorithm 1; hyperparameters of the published notebook for small data sets: α 0.001, γ 0.99, temperature 4, three
/// epochs of which two have a maximizing pass, Adam at 5e-4 with a decay of 5e-4, batches of 128 and 32.
public struct SCRUB: UnlearningMethod, Hashable {
    /// The weight α of the divergence on the retain data, 0 or more.
    public var divergenceWeight: Double
    /// The weight γ of cross-entropy on the retain data, 0 or more.
    public var labelWeight: Double
    /// What logits are divided by, above 0.
    public var temperature: Float
    /// In how many epochs, from the first, the divergence on the forget data is maximized; 0 or more.
    public var maximizingEpochs: Int
    /// Examples to forget in one step, 1 to 1,000,000.
    public var forgetBatchSize: Int
    /// Epochs over the retain data, batch size there, optimizer and rate. The schedule runs over all steps of both kinds.
    public var training: TrainingConfiguration

    /// Creates the method.
    public init(
        divergenceWeight: Double = 0.001, labelWeight: Double = 0.99, temperature: Float = 4,
        maximizingEpochs: Int = 2, forgetBatchSize: Int = 32,
        training: TrainingConfiguration = TrainingConfiguration(
            epochs: 3, batchSize: 128, optimizer: .adam(weightDecay: 5e-4), learningRate: 5e-4)
    ) {
        self.divergenceWeight = divergenceWeight
        self.labelWeight = labelWeight
        self.temperature = temperature
        self.maximizingEpochs = maximizingEpochs
        self.forgetBatchSize = forgetBatchSize
        self.training = training
    }

    public var name: String { "scrub" }
    public var requirements: Set<Requirement> { [.retainData, .forgetData] }
    public var supportsSamples: Bool { true }

    public func validate() throws {
        try training.validate()
        try Setting.check("temperature", Double(temperature), isAbove: 0)
        try Setting.check("maximizing epochs", maximizingEpochs, isIn: 0...1_000_000)
        try Setting.check("forget batch size", forgetBatchSize, isIn: 1...1_000_000)
        for (name, weight) in [("divergence weight", divergenceWeight), ("label weight", labelWeight)] {
            guard weight >= 0, weight.isFinite else {
                throw UnlearningError.invalidSetting(
                    name: name, value: "\(weight)", remedy: "use a finite number of at least 0")
            }
        }
    }

    public func phaseCosts(of request: UnlearningRequest) -> [Double] {
        let (retained, forgotten) = (Double(request.retainedCount), Double(request.forgottenCount))
        return [
            forgotten, retained,
            training.cost(examples: retained) + 3 * forgotten * Double(min(maximizingEpochs, training.epochs)),
        ]
    }

    public func run(_ request: UnlearningRequest, _ run: UnlearningSession) throws -> Model {
        let (forget, retain) = (try request.forgotten(), try request.retained())
        let model = request.model
        let distillation = DistillationLoss(temperature: temperature)
        func keepingTo(_ teacher: Tensor) -> TeacherObjective {
            TeacherObjective(loss: distillation, table: teacher, kind: .logits)
        }
        // Classes that were forgotten before are no way out on the forget data, and nobody's answer on the retain data.
        let earlier = request.earlierClasses
        let away = HidingObjective(
            classes: earlier,
            WeightedObjective((-1, keepingTo(try run.answers(of: model, to: forget).masking(earlier)))))
        let near = WeightedObjective(
            (divergenceWeight, keepingTo(try run.answers(of: model, to: retain).masking(earlier))),
            (labelWeight, LabelObjective(smoothing: training.labelSmoothing, excluding: earlier)))
        let maximizing = try EpochBatches(
            forget, named: "forget", batchSize: forgetBatchSize, graph: model.graph, stream: "\(name).forget")
        let minimizing = try EpochBatches(
            retain, named: "retain", batchSize: training.batchSize, graph: model.graph, stream: "\(name).retain")
        return try run.phase(.forgetting) {
            try turns(model, maximizing, away, minimizing, near, run)
        }
    }

    private func turns(
        _ model: Model, _ maximizing: EpochBatches, _ away: any BatchObjective, _ minimizing: EpochBatches,
        _ near: any BatchObjective, _ run: UnlearningSession
    ) throws -> Model {
        try model.checkTrainable(frozen: training.frozen)
        let session = try TrainState(
            model: model, batchSize: max(maximizing.batchSize, minimizing.batchSize), optimizer: training.optimizer,
            clipping: training.clipping, frozen: training.frozen, phase: .forgetting, context: run.context)
        let epochs = training.epochs(ofSteps: minimizing.stepCount)
        let stepCount = epochs * minimizing.stepCount + min(epochs, maximizingEpochs) * maximizing.stepCount
        let dropoutSeed = run.seed("\(name).dropout")
        var step = 0
        func take(_ pass: EpochBatches, _ epoch: Int, _ objective: any BatchObjective) throws {
            try pass.run(epoch, context: run.context) { batch in
                let rate = training.schedule.rate(base: training.learningRate, step: step, of: stepCount)
                let value = try session.step(
                    batch, objective: objective, learningRate: rate, seed: dropoutSeed &+ UInt64(step))
                step += 1
                try run.finished(step, of: stepCount, in: .forgetting, loss: value.loss)
            }
        }
        for epoch in 0..<epochs {
            if epoch < maximizingEpochs { try take(maximizing, epoch, away) }
            try take(minimizing, epoch, near)
        }
        return try session.finishedModel()
    }
}

extension SCRUB {
    public var summary: String {
        "Moves away from the original on forget data and keeps to it on retain data, in turns"
    }
}
