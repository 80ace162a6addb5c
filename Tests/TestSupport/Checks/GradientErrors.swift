import Foundation
import NeuralGraph

/// How far the engine's results are from the reference's, in relative norm.
package struct GradientErrors: Sendable, CustomStringConvertible {
    /// Of the output.
    package var output: Double
    /// Of the gradient by the input.
    package var input: Double
    /// Of the gradient by each parameter.
    package var parameters: [String: Double]

    /// Compares the two.
    package init(_ run: EngineRun, from reference: ReferenceGradients) {
        output = relativeDifference(run.output, from: reference.output)
        input = relativeDifference(run.inputGradient, from: reference.input)
        parameters = reference.parameters.reduce(into: [:]) { errors, entry in
            errors[entry.key] = relativeDifference(
                run.parameterGradients[entry.key]?.elements ?? [], from: entry.value)
        }
    }

    /// The largest error among the parameters.
    package var worstParameter: Double { parameters.values.max() ?? 0 }

    /// All three.
    package var description: String {
        "output \(output), input gradient \(input), parameter gradients \(parameters)"
    }
}

/// The largest differences from the reference that tests of operations allow.
package enum Tolerance {
    /// Of an operation's output.
    package static let output = 2e-5
    /// Of a gradient by an operation's input.
    package static let inputGradient = 1e-5
    /// Of a gradient by weights that a batch uses at this number of positions.
    package static func weightGradient(positions: Int) -> Double {
        6e-6 * max(1, pow(0.125 * Double(positions), 0.4))
    }
}
