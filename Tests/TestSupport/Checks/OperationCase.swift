package import NeuralGraph

/// A small network with numbers for everything: what a gradient check needs.
package struct OperationCase: Sendable {
    /// The network and its numbers.
    package var model: Model
    /// The number of examples.
    package let batch: Int
    /// `[batch, ...input shape]`, channels last.
    package var input: [Float]
    /// `[batch, ...output shape]`.
    package var outputGradient: [Float]
    /// For each dropout node the factors of the step that is run.
    package var dropoutFactors: [String: [Double]] = [:]

    /// Builds a network and draws its numbers. Parameters and state are drawn from the ranges of
    /// ``GeneratedNumbers``, so that none is 0 or 1 by default.
    /// - Parameters:
    ///   - input: draws a number of inputs; normal ones if nil.
    ///   - build: adds the nodes.
    package init(
        _ inputShape: TensorShape, batch: Int, seed: UInt64, input: ((inout SeededRandom, Int) -> [Float])? = nil,
        build: (inout GraphBuilder) throws -> Void
    ) throws {
        var builder = GraphBuilder(inputShape: inputShape)
        try build(&builder)
        try self.init(GeneratedNumbers.model(builder.graph()), batch: batch, seed: seed, input: input)
    }

    /// Draws an input and an output gradient for a network that is there already.
    package init(
        _ model: Model, batch: Int, seed: UInt64, input: ((inout SeededRandom, Int) -> [Float])? = nil
    ) throws {
        var random = SeededRandom(seed: seed, stream: "operation case")
        let count = batch * model.graph.inputShape.count
        self.model = model
        self.batch = batch
        self.input = input?(&random, count) ?? random.normals(count)
        self.outputGradient = random.normals(batch * model.graph.outputShape.count)
    }

    /// The output and two-sided differences in Double.
    package func reference(_ mode: Mode = .training) -> ReferenceGradients {
        network.numericGradients(
            input: referenceInput, outputGradient: outputGradient.map(Double.init), mode: mode)
    }

    /// The naive network.
    package var network: ReferenceNetwork {
        var network = ReferenceNetwork(model)
        network.dropoutFactors = dropoutFactors
        return network
    }

    /// The input in Double.
    package var referenceInput: ReferenceTensor {
        ReferenceTensor(input.map(Double.init), batch: batch, shape: model.graph.inputShape)
    }

    /// The engine's passes.
    package func run(_ options: EngineRun.Options = EngineRun.Options()) throws -> EngineRun {
        try EngineRun(model, input: input, outputGradient: outputGradient, options)
    }

    /// How far the engine is from the reference.
    package func errors(_ options: EngineRun.Options = EngineRun.Options()) throws -> GradientErrors {
        GradientErrors(try run(options), from: reference(options.mode))
    }
}
