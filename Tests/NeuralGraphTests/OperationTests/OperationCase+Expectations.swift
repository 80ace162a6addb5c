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
