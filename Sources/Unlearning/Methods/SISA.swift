import ImageDatasets
package import NeuralGraph

/// Trains the shards again that held what is to be forgotten, from their first weights: exact forgetting.
///
/// The result is, to the bit, what training in shards would have made of the other images alone; shards that held none of
/// the forgotten images keep their bytes. The network must come from `unlearn train --shards`, and from no other method
/// since. The data must be all that it was trained on; what it has forgotten since is left out, or named again. Source:
/// Bourtoule et al. (arXiv 1912.03817), section IV.
package struct SISA: BuiltInMethod, Hashable {
    /// Creates the method.
    package init() {}

    package var traits: MethodTraits {
        MethodTraits(
            "sisa", summary: "Trains the shards again that held the images: exact, for networks of 'train --shards'",
            requirements: [.allRetainData, .forgetData, .shards], supportsSamples: true)
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        let model = request.model
        guard let ensemble = ShardEnsemble(of: model), var record = model.trainingRecord,
            let shards = model.shardRecord
        else { throw UnlearningError.missingNeed(method: name, need: .shards) }
        guard shards.weights == ShardRecord.checksum(of: model) else { throw UnlearningError.shardsChanged }
        let training = ShardedTraining(ensemble: ensemble, configuration: record.configuration, seed: shards.seed)
        let retain = try request.retained().augmented(by: record.augmentation)
        let (kept, forgotten) = try session.phase(.training) {
            (
                try training.divide(retain, context: session.context),
                try training.divide(request.forgotten(), context: session.context)
            )
        }
        let touched = try shards.contents.indices.filter {
            try isTouched($0, shards.contents[$0], keeping: kept, forgetting: forgotten)
        }
        session.note(
            "\(touched.count) of \(ensemble.count) shards were trained again, those that held what is to be forgotten"
                + (touched.isEmpty ? "" : ": " + touched.map(String.init).joined(separator: ", ")))
        session.expect(
            touched.map { record.configuration.cost(examples: Double(kept.members[$0].count)) } + [0])
        let (unlearned, new) = try training.train(
            touched, of: kept, in: model, on: retain, context: session.context
        ) { network, loop, _ in try session.train(network, loop) }
        record.shards = new
        record.examples = retain.count
        var result = unlearned
        result.trainingRecord = record
        return result
    }

    /// Whether a shard holds something to forget.
    ///
    /// What an earlier request made it forget may be named again, since a data set that is numbered cannot lose an image.
    /// - Throws: ``UnlearningError`` if the shard was trained on other images.
    private func isTouched(
        _ shard: Int, _ trained: ShardRecord.Content, keeping kept: ShardDivision, forgetting forgotten: ShardDivision
    ) throws -> Bool {
        let (stays, goes) = (kept.contents[shard], forgotten.contents[shard])
        let all = stays + goes
        if all == trained { return goes.count > 0 }
        let isPart = stays == trained || (stays.count < trained.count && trained.count < all.count)
        guard isPart, !kept.hasCommon(with: forgotten, in: shard) else {
            throw UnlearningError.otherShardData(shard: shard, found: all.count, expected: trained.count)
        }
        return stays != trained
    }
}

extension Model {
    /// How the images of a network of shards were divided; nil if it has none, or its file does not say.
    var shardRecord: ShardRecord? {
        guard let ensemble = ShardEnsemble(of: self), let record = trainingRecord?.shards,
            record.contents.count == ensemble.count, record.contents.allSatisfy({ $0.sums.count == 2 })
        else { return nil }
        return record
    }
}
