import Foundation
import NeuralGraph

/// How far the engine's results are from the reference's, in relative norm.
public struct GradientErrors: Sendable, CustomStringConvertible {
    /// Of the output.
    public var output: Double
    /// Of the gradient by the input.
    public var input: Double
    /// Of the gradient by each parameter.
    public var parameters: [String: Double]

    /// Compares the two.
    public init(_ run: EngineRun, from reference: ReferenceGradients) {
        output = relativeDifference(run.output, from: reference.output)
        input = relativeDifference(run.inputGradient, from: reference.input)
        parameters = reference.parameters.reduce(into: [:]) { errors, entry in
            errors[entry.key] = relativeDifference(
                run.parameterGradients[entry.key]?.elements ?? [], from: entry.value)
        }
    }

    /// The largest error among the parameters.
    public var worstParameter: Double { parameters.values.max() ?? 0 }

    /// All three.
    public var description: String {
        "output \(output), input gradient \(input), parameter gradients \(parameters)"
    }
}

/// What DESIGN.md allows.
public enum Tolerance {
    /// Of an operation's output.
    public static let output = 2e-5
    /// Of a gradient by an operation's input.
    public static let inputGradient = 1e-5
    /// Of a gradient by weights that are used at so many positions of a batch.
    public static func weightGradient(positions: Int) -> Double {
        6e-6 * max(1, pow(0.125 * Double(positions), 0.4))
    }
}
