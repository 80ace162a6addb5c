import NeuralGraph
import TestSupport
import Testing

@Suite("Passes that an executor was not created for", .tags(.execution))
struct PassErrorTests {
    private func executor(
        computing request: GradientRequest = .parameters, modes: Set<Mode> = [.training]
    ) throws -> Executor {
        var builder = GraphBuilder(inputShape: [3])
        _ = try builder.linear(builder.input, named: "head", outputs: 2)
        return Executor(
            model: Model(graph: try builder.graph(), seed: 1), batchCapacity: 4, computing: request, modes: modes)
    }

    @Test("a batch without memory is refused", arguments: [-1, 0, 5, Int.max])
    func batch(_ batch: Int) throws {
        let executor = try executor()
        #expect(throws: GraphError.batchOutOfRange(batch, capacity: 4)) {
            try executor.forward(batch: batch, mode: .training)
        }
    }

    @Test("a mode without a plan is refused")
    func mode() throws {
        let executor = try executor()
        #expect(throws: GraphError.modeNotPlanned(.inference)) { try executor.forward(batch: 1, mode: .inference) }
    }

    @Test("a backward pass needs a forward pass before it, and an executor that computes gradients")
    func backward() throws {
        let executor = try executor()
        #expect(throws: GraphError.backwardWithoutForward) { try executor.backward() }
        try executor.forward(batch: 2, mode: .training)
        try executor.backward()
        let plain = try self.executor(computing: .nothing)
        try plain.forward(batch: 2, mode: .training)
        #expect(throws: GraphError.gradientsNotPlanned) { try plain.backward() }
    }
}
