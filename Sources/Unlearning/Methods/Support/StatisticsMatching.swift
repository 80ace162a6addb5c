package import NeuralGraph

/// The identity, whose backward pass adds the gradient of the distance of the batch's statistics from given ones.
///
/// This is a loss inside the network. Over a channel's values of the whole batch, with mean m and variance v, it is
///
///     weight / channels · Σ_channels ((m - mean)² / s + (v / s - 1)²),  s = variance + floor.
///
/// Source: Yin et al., "Dreaming to Distill: DeepInversion" (CVPR 2020, arXiv 1912.08795), equation 4, here relative to the
/// variance, so that layers of any scale count alike.
package struct StatisticsMatching: GraphOperation {
    /// One a channel.
    let mean: [Float]
    /// One a channel, 0 or more.
    let variance: [Float]
    /// How much it counts against the loss at the output.
    let weight: Float

    package init(mean: [Float], variance: [Float], weight: Float) {
        self.mean = mean
        self.variance = variance
        self.weight = weight
    }

    package var kind: String { "StatisticsMatching" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        guard inputs.count == 1, inputs[0].rank > 0, inputs[0].channels == mean.count, mean.count == variance.count
        else {
            throw ShapeError(
                node, "\(mean.count) means and \(variance.count) variances do not fit \(inputs); give one a channel")
        }
        return inputs[0]
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        // Channels that hardly ever vary would otherwise outweigh all others.
        let floor = 1e-5 + 0.01 * variance.reduce(0, +) / Float(max(1, variance.count))
        return StatisticsMatchingKernel(
            mean: mean, scale: variance.map { $0 + floor }, weight: weight, positions: request.output.positions)
    }
}

private struct StatisticsMatchingKernel: Kernel {
    let mean: [Float]
    let scale: [Float]
    let weight: Float
    let positions: Int

    /// Channels that one task works on: a cache line of each row.
    private static let channelsTogether = 16

    var backwardReads: BackwardReads { .inputs }

    func forward(_ pass: ForwardPass) {
        pass.threads.forEachChunk(of: pass.batch * positions * mean.count, floatsEach: 1) { part in
            (pass.output + part.lowerBound).update(from: pass.inputs[0] + part.lowerBound, count: part.count)
        }
    }

    func backward(_ pass: BackwardPass) {
        guard let dx = pass.inputGradients[0] else { return }
        let (channels, rows) = (mean.count, pass.batch * positions)
        let (x, dy) = (pass.forward.inputs[0], pass.outputGradient)
        let strength = Double(weight) / Double(channels * rows)
        pass.threads.forEachBlock(of: channels, size: Self.channelsTogether) { part in
            for channel in part {
                var sum = 0.0
                var squares = 0.0
                for row in 0..<rows {
                    let value = Double(x[row * channels + channel])
                    sum += value
                    squares += value * value
                }
                let center = sum / Double(rows)
                let spread = max(0, squares / Double(rows) - center * center)
                let unit = Double(scale[channel])
                // d m / dx = 1 / rows and d v / dx = 2 (x - m) / rows.
                let shift = Float(strength * 2 * (center - Double(mean[channel])) / unit)
                let slope = Float(strength * 4 * (spread / unit - 1) / unit)
                let middle = Float(center)
                for row in 0..<rows {
                    let index = row * channels + channel
                    let own = dy[index] + shift + slope * (x[index] - middle)
                    dx.pointer[index] = dx.accumulates ? dx.pointer[index] + own : own
                }
            }
        }
    }
}

extension Model {
    /// The model with a ``StatisticsMatching`` of its running statistics before each batch norm, under the same names.
    /// - Returns: the model as it is if it has no batch norm.
    package func matchingStatistics(weight: Float) throws -> Model {
        guard graph.nodes.contains(where: { $0.operation is BatchNormalization }) else { return self }
        var builder = GraphBuilder(inputShape: graph.inputShape)
        var places = [0: builder.input]
        for (index, node) in graph.nodes.enumerated() {
            var inputs: [Graph.Value] = []
            for input in node.inputs {
                if let place = places[input.index] { inputs.append(place) }
            }
            if node.operation is BatchNormalization, let input = inputs.first,
                let mean = state[node.key("running_mean")], let variance = state[node.key("running_var")]
            {
                inputs[0] = try builder.add(
                    StatisticsMatching(mean: mean.elements, variance: variance.elements, weight: weight),
                    named: "\(node.name).matching", input)
            }
            places[index + 1] = try builder.add(node.operation, named: node.name, inputs)
        }
        // The new nodes call their tensors after themselves, whatever the old ones' are called.
        var tensors: [String: Tensor] = [:]
        for node in graph.nodes {
            for name in node.parameters.map(\.name) + node.state.map(\.name) {
                tensors[node.name.isEmpty ? name : "\(node.name).\(name)"] = stateDictionary[node.key(name)]
            }
        }
        return try Model(graph: builder.graph(), metadata: metadata, stateDictionary: tensors)
    }
}
