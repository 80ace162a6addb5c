import Foundation
import Unlearning

/// x / (1 + exp(-b x)) with a learned b for each channel: Swish (Ramachandran et al. 2017), eq. 1.
struct LearnedSwish: GraphOperation {
    var kind: String { "LearnedSwish" }

    func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        guard inputs.count == 1, inputs[0].rank > 0 else {
            throw ShapeError(node, "learned Swish takes one input with channels, not \(inputs)")
        }
        return inputs[0]
    }

    func parameters(for inputs: [TensorShape]) -> [ParameterSpecification] {
        [ParameterSpecification(name: "slope", shape: [inputs[0].channels], initializer: .constant(1))]
    }

    func kernel(for request: KernelRequest) -> any Kernel {
        LearnedSwishKernel(positions: request.output.positions, channels: request.output.channels)
    }
}

struct LearnedSwishKernel: Kernel {
    let positions: Int
    let channels: Int

    /// The plan keeps the input until the backward pass.
    var backwardReads: BackwardReads { .inputs }

    func forward(_ pass: ForwardPass) {
        let (x, y, slope) = (pass.inputs[0], pass.output, pass.parameters[0])
        pass.threads.forEachBlock(of: pass.batch * positions, size: 64) { rows in
            for index in rows.lowerBound * channels..<rows.upperBound * channels {
                y[index] = x[index] / (1 + exp(-slope[index % channels] * x[index]))
            }
        }
    }

    func backward(_ pass: BackwardPass) {
        let (x, dy, slope) = (pass.forward.inputs[0], pass.outputGradient, pass.forward.parameters[0])
        let rows = pass.batch * positions
        if let dx = pass.inputGradients[0] {
            pass.threads.forEachBlock(of: rows, size: 64) { part in
                for index in part.lowerBound * channels..<part.upperBound * channels {
                    let b = slope[index % channels]
                    let s = 1 / (1 + exp(-b * x[index]))
                    let gradient = dy[index] * s * (1 + b * x[index] * (1 - s))
                    dx.pointer[index] = dx.accumulates ? dx.pointer[index] + gradient : gradient
                }
            }
        }
        if let db = pass.parameterGradients[0] {
            pass.threads.forEach(channels) { channel, _ in
                var sum = 0.0
                for index in stride(from: channel, to: rows * channels, by: channels) {
                    let s = 1 / (1 + exp(-slope[channel] * x[index]))
                    sum += Double(dy[index] * x[index] * x[index] * s * (1 - s))
                }
                db[channel] = Float(sum)
            }
        }
    }
}

extension GraphBuilder {
    /// Adds a ``LearnedSwish``.
    mutating func learnedSwish(_ input: Graph.Value, named name: String) throws(ShapeError) -> Graph.Value {
        try add(LearnedSwish(), named: name, input)
    }
}

extension AllExamples {
    /// The code of the article *My own operation*: the operation's gradients against two-sided differences.
    static func ownOperation() throws {
        var builder = GraphBuilder(inputShape: [3, 2, 5])
        _ = try builder.learnedSwish(builder.input, named: "swish")
        var random = SeededRandom(seed: 1)
        let model = try Model(graph: builder.graph(), seed: 1).replacing([
            "swish.slope": Tensor((0..<5).map { _ in Float(0.5 + random.uniform()) }, shape: [5])
        ])
        let worst = try worstGradientError(model, batch: 4, seed: 2)
        print("learned Swish: gradients differ from two-sided differences by \(worst)")
        try expect(worst < 1e-3, "the gradients are those of the forward pass")
    }
}
