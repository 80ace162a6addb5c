import NeuralGraph

// What a run keeps, so that it can go on after an interruption. Without a checkpoint all of this does nothing.
extension RunContext {
    /// Says what the run's results depend on, besides its seed and the machine; what is computed before is not kept.
    /// - Parameters:
    ///   - kind: what is done, such as `forget`.
    ///   - fields: names that continue a sentence after "the", with values.
    /// - Throws: ``UnlearningError`` if the checkpoint is of another run.
    func begin(_ kind: String, _ fields: () throws -> [(name: String, value: String)]) throws {
        guard processes.count > 1 else {
            try checkpoint?.begin { RunIdentity(kind, options: options, try fields()) }
            return
        }
        // Within a part everything follows from what was checked before.
        guard partDepth == 0 else { return }
        let identity = RunIdentity(kind, options: options, try fields())
        try identity.checkAgreement(in: processes)
        try checkpoint?.begin { identity }
        sharesCheckpoint = processes.agree(checkpoint != nil)
    }

    /// Restores or computes a part of the run, whose result is kept when it is done.
    ///
    /// Parts come in the same order in every process, since a run is the same to the bit.
    /// - Parameters:
    ///   - title: names the part's file.
    ///   - encode: the result as arrays.
    ///   - decode: the result from arrays; what it throws has the part computed.
    ///   - body: computes the result. It may go on from a state and keep new ones.
    func part<Value>(
        _ title: String, encode: @escaping (Value) -> CheckpointContent, decode: (CheckpointContent) throws -> Value,
        _ body: (PartProgress) throws -> Value
    ) throws -> Value {
        partDepth += 1
        defer { partDepth -= 1 }
        guard processes.count > 1, sharesCheckpoint else {
            guard let checkpoint else { return try body(PartProgress()) }
            return try checkpoint.part(title, encode: encode, decode: decode, body)
        }
        if let checkpoint {
            return try checkpoint.part(title, encode: encode, decode: decode, share: processes.share, body)
        }
        // Process 0 has the files; the others go on from what it hands out.
        if let content = processes.share(nil), let value = try? decode(content) { return value }
        return try body(PartProgress(processes.share(nil)))
    }

    /// Restores or computes logits, `[examples, classes]`.
    func outputsPart(examples: Int, classes: Int, _ body: () throws -> Tensor) throws -> Tensor {
        try part(
            "outputs", encode: { CheckpointContent(["logits": $0]) },
            decode: { content in
                guard let logits = try content.tensors(["logits": [examples, classes]])["logits"] else {
                    throw CheckpointContent.Mismatch(name: "logits")
                }
                return logits
            }
        ) { _ in try body() }
    }

    /// Keeps a step's state if that is due, or if the run was cancelled.
    func stepDone(_ progress: PartProgress, _ content: () throws -> CheckpointContent) throws {
        try progress.stepDone(isLast: isCancelledNow, content)
    }
}
