import ImageDatasets
import NeuralGraph

/// Training in shards (SISA): each copy of a network sees its own part of the images, from first weights of its own.
///
/// Source: Bourtoule et al. (arXiv 1912.03817), section IV, without slices.
struct ShardedTraining {
    let ensemble: ShardEnsemble
    let configuration: TrainingConfiguration
    /// The seed of the division, of the first weights and of the order of the images.
    let seed: UInt64

    /// Trains one copy; the last argument is the work that is left after it, in multiples of it.
    typealias Step = (Model, TrainingLoop, _ workAhead: Double) throws -> Model

    /// Divides examples.
    func divide(_ examples: any ExampleSource, context: RunContext) throws -> ShardDivision {
        try ShardDivision(examples, shards: ensemble.count, seed: seed, context: context)
    }

    /// Trains all copies from their first weights.
    func train(
        like model: Model, on examples: any ExampleSource, context: RunContext, step: Step
    ) throws -> (model: Model, record: ShardRecord) {
        let division = try divide(examples, context: context)
        return try train(
            Array(0..<ensemble.count), of: division, in: model, on: examples, context: context, step: step)
    }

    /// Trains the copies of some shards from their first weights; the others stay as they are.
    /// - Parameters:
    ///   - division: of the examples.
    ///   - step: trains one copy.
    /// - Throws: ``UnlearningError`` if a shard is empty, or what `step` throws.
    func train(
        _ shards: [Int], of division: ShardDivision, in model: Model, on examples: any ExampleSource,
        context: RunContext, step: Step
    ) throws -> (model: Model, record: ShardRecord) {
        if let empty = division.members.firstIndex(where: \.isEmpty) {
            throw UnlearningError.invalidSetting(
                name: "number of shards", value: "\(ensemble.count)",
                remedy: "shard \(empty) has none of the \(examples.count) training images; use fewer")
        }
        return try context.drawing(fromSeed: seed) {
            var networks: [Int: Model] = [:]
            var ahead = Double(shards.reduce(0) { $0 + division.members[$1].count })
            for shard in shards {
                let (members, name) = (division.members[shard], "shards.\(shard)")
                let network = try ensemble.copy(like: model, seed: context.seed("\(name).weights"))
                var own = configuration
                own.frozen.formUnion([ensemble.biasKey(of: network.graph)].compactMap(\.self))
                ahead -= Double(members.count)
                networks[shard] = try step(
                    network,
                    TrainingLoop(
                        examples: ExampleSubset(examples, indices: members), examplesName: "shard \(shard)'s",
                        configuration: own, phase: .training, stream: name), ahead / Double(members.count))
            }
            let trained = try ensemble.placing(networks, in: model)
            return (
                trained,
                ShardRecord(seed: seed, contents: division.contents, weights: ShardRecord.checksum(of: trained))
            )
        }
    }
}

extension ShardedTraining {
    /// The training of a network of shards with first weights of a seed; nil for any other network.
    init?(untrained model: Model, configuration: TrainingConfiguration, seed: UInt64) {
        guard let ensemble = ShardEnsemble(of: model),
            Model(graph: model.graph, seed: seed).stateDictionary == model.stateDictionary
        else { return nil }
        self.init(ensemble: ensemble, configuration: configuration, seed: seed)
    }
}
