import NeuralGraph

extension PrototypeRepair {
    /// The fewest examples, each as often as it was shown, of a training that bounds the repair: shorter ones take seconds.
    static let shortTraining = 65_536.0

    /// How many of the retain examples the repair uses, and how it is trained on them: within ``trainingShare``.
    ///
    /// Rather than fewer examples it takes fewer epochs, as long as these are whole.
    package func extent(for model: Model, retained: Int) -> (examples: Int, training: TrainingConfiguration) {
        let examples = min(retained, retainLimit ?? .max)
        guard let trainingShare, let shown = model.trainingRecord?.shown, shown >= Self.shortTraining else {
            return (examples, training)
        }
        let most = trainingShare * shown
        let batches = (examples + training.batchSize - 1) / training.batchSize
        guard Double(examples) * Double(training.epochs(ofSteps: batches)) > most else { return (examples, training) }
        var bounded = training
        bounded.minimumSteps = 0
        bounded.epochs = max(1, Int((most / Double(examples)).rounded()))
        return (max(1, min(examples, Int(most) / bounded.epochs)), bounded)
    }

    package func costs(of request: UnlearningRequest) -> [Double] {
        let (count, configuration) = extent(for: request.model, retained: request.retainedCount)
        let retained = Double(count)
        let repair = configuration.cost(examples: retained) * trainedShare
        var costs = trainedShare < 1 ? [retained] : []
        if let damage = damage(for: request) {
            let images = Double(request.classes.count * damage.noise.imagesPerClass)
            let shown =
                images * Double(damage.impair.noiseRepetitions)
                + min(retained, Double(damage.impair.retainLimit ?? .max))
            costs.insert(2 * images * Double(damage.noise.steps), at: 0)
            costs += [images * trainedShare, damage.impair.training.cost(examples: shown) * trainedShare]
        }
        costs += [retained * trainedShare, repair]
        if let guarding { costs.append(retained * guarding.share) }
        return costs
    }
}
