import NeuralGraph
import TestSupport
import Testing

extension OperationCase {
    /// Compares output, input gradient and every parameter gradient with two-sided differences of the reference.
    func expectCorrect(
        _ worst: WorstErrors, _ place: String, _ options: EngineRun.Options = EngineRun.Options(),
        at location: SourceLocation = #_sourceLocation
    ) throws {
        let errors = try errors(options)
        let positions = batch * model.graph.nodes[0].shape.positions
        let checks: [(String, Double, Double)] = [
            ("output", errors.output, Tolerance.output),
            ("input gradient", errors.input, Tolerance.inputGradient),
            ("parameter gradient", errors.worstParameter, Tolerance.weightGradient(positions: positions)),
        ]
        for (kind, error, tolerance) in checks {
            #expect(
                worst.isWithin(tolerance, error, kind, at: place), "\(place): \(errors)",
                sourceLocation: location)
        }
    }
}

extension WorstErrors {
    /// An operation between two layers, so that values may share memory, and once more beside another reader of its
    /// input, so that its gradient is added to another one.
    func expectCorrect(
        _ operation: some GraphOperation, _ shape: TensorShape, _ place: String,
        at location: SourceLocation = #_sourceLocation
    ) throws {
        let item = try OperationCase(shape, batch: 3, seed: 1) { builder in
            let x = try builder.pointwise(builder.input, named: "first", .tanh)
            let once = try builder.add(operation, named: "once", x)
            let y = try builder.pointwise(x, named: "second", .affine(scale: 0.5, shift: 1))
            let twice = try builder.add(operation, named: "twice", y)
            let other = try builder.reduction(.sum, y, named: "other", axes: Array(0..<shape.rank))
            let sum = try builder.add(once, twice, named: "sum")
            _ = try builder.arithmetic(.multiplication, sum, other, named: "last")
        }
        try item.expectCorrect(self, "\(place) of \(shape)", at: location)
    }
}
