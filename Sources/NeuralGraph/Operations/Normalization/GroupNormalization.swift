import CNeuralKernels

/// Group normalization (Wu and He 2018), as PyTorch's `GroupNorm`.
///
/// Each example is normalized with the mean and the biased variance of each group of neighboring channels over all
/// positions. With one channel in each group it is instance normalization. Input and output `[..., channels]`; parameters `weight` and `bias` `[channels]`.
package struct GroupNormalization: GraphOperation {
    /// The number of groups, which divides the number of channels.
    package var groups: Int
    /// A small number added to the variance.
    package var epsilon: Float

    /// Describes a group normalization.
    package init(groups: Int, epsilon: Float = 1e-5) {
        self.groups = groups
        self.epsilon = epsilon
    }

    package var kind: String { "GroupNormalization" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        let input = try onlyInput(inputs, node: node, minimumRank: 1)
        guard groups > 0, input.channels % groups == 0, epsilon >= 0, epsilon.isFinite else {
            throw ShapeError(
                node,
                "\(groups) groups must divide the \(input.channels) channels, and epsilon \(epsilon) must be finite and at least 0"
            )
        }
        return input
    }

    package func parameters(for inputs: [TensorShape]) -> [ParameterSpecification] {
        let shape: TensorShape = [inputs[0].channels]
        return [
            ParameterSpecification(name: "weight", shape: shape, initializer: .constant(1)),
            ParameterSpecification(name: "bias", shape: shape, initializer: .constant(0)),
        ]
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        GroupNormalizationKernel(
            groups: groups, epsilon: epsilon, positions: request.output.positions, channels: request.output.channels,
            capacity: request.batchCapacity, workers: request.workers)
    }
}

/// One example after the other on each worker: sums of channels, then of groups, then one pass.
private struct GroupNormalizationKernel: Kernel {
    let groups: Int
    let epsilon: Float
    let positions: Int
    let channels: Int
    let capacity: Int
    let workers: Int

    /// Positions that floats sum up before the next stage of sums.
    private static let block = 256

    private var groupChannels: Int { channels / groups }
    private var groupCount: Double { Double(groupChannels * positions) }

    var backwardReads: BackwardReads { .inputs }
    /// Each example's group means and inverse standard deviations, once for every channel.
    var savedCount: Int { 2 * capacity * channels }
    /// Four rows for each worker, and two rows of sums for each example.
    var scratchCount: Int { 4 * workers * channels + 2 * capacity * channels }

    func forward(_ pass: ForwardPass) {
        pass.threads.forEach(pass.batch) { example, worker in
            let x = pass.inputs[0] + example * positions * channels
            let mean = pass.saved + 2 * example * channels
            let inverse = mean + channels
            let sums = pass.scratch + 4 * worker * channels
            let partial = sums + channels
            sum(1, into: sums, by: partial) { start, count, target in
                cnk_column_sums(x + start * channels, count, channels, target)
            }
            forEachGroup { group in
                fill(mean, group, Float(total(sums, group) / groupCount))
            }
            sum(1, into: sums, by: partial) { start, count, target in
                cnk_column_squares(x + start * channels, mean, count, channels, target)
            }
            forEachGroup { group in
                fill(inverse, group, Float(1 / (total(sums, group) / groupCount + Double(epsilon)).squareRoot()))
            }
            let (scale, shift) = (sums, partial)
            for channel in 0..<channels {
                scale[channel] = pass.parameters[0][channel] * inverse[channel]
                shift[channel] = pass.parameters[1][channel] - mean[channel] * scale[channel]
            }
            cnk_normalize(
                x, nil, pass.output + example * positions * channels, positions, channels, scale, shift, 0)
        }
    }

    func backward(_ pass: BackwardPass) {
        let forward = pass.forward
        let weight = forward.parameters[0]
        // Of each example, the channels' sums of dy, and of dy (x - mean) / deviation.
        let allSums = pass.scratch + 4 * workers * channels
        pass.threads.forEach(pass.batch) { example, worker in
            let offset = example * positions * channels
            let x = forward.inputs[0] + offset
            let dy = pass.outputGradient + offset
            let mean = forward.saved + 2 * example * channels
            let inverse = mean + channels
            let sums = allSums + 2 * example * channels
            let products = sums + channels
            let partial = pass.scratch + 4 * worker * channels
            sum(2, into: sums, by: partial) { start, count, target in
                var rows = cnk_normalization()
                rows.x = UnsafePointer(x) + start * channels
                rows.dy = UnsafePointer(dy) + start * channels
                rows.means = UnsafePointer(mean)
                rows.rows = count
                rows.channels = channels
                cnk_normalize_backward_sums(&rows, target, target + channels)
            }
            for channel in 0..<channels { products[channel] *= inverse[channel] }
            guard let dx = pass.inputGradients[0] else { return }
            let (scale, offsets, slopes) = (partial, partial + channels, partial + 2 * channels)
            forEachGroup { group in
                var sum = 0.0
                var product = 0.0
                for channel in group {
                    sum += Double(weight[channel]) * Double(sums[channel])
                    product += Double(weight[channel]) * Double(products[channel])
                }
                for channel in group {
                    let inverse = Double(inverse[channel])
                    scale[channel] = Float(inverse) * weight[channel]
                    offsets[channel] = Float(inverse * sum / groupCount)
                    slopes[channel] = Float(inverse * inverse * product / groupCount)
                }
            }
            cnk_group_norm_backward(
                x, dy, dx.pointer + offset, positions, channels, mean, scale, offsets, slopes, dx.accumulates ? 1 : 0)
        }
        let totals = BlockedSums(rows: pass.batch, channels: channels, quantities: 2, blockRows: 1)
        for (parameter, gradient) in pass.parameterGradients.enumerated() {
            guard let gradient else { continue }
            for channel in 0..<channels {
                gradient[channel] = Float(totals.total(allSums, channel: channel, quantity: 1 - parameter))
            }
        }
    }

    /// Sums one example's positions: blocks of them one after the other, each into `partial` first.
    private func sum(
        _ quantities: Int, into sums: UnsafeMutablePointer<Float>, by partial: UnsafeMutablePointer<Float>,
        _ body: (_ start: Int, _ count: Int, _ target: UnsafeMutablePointer<Float>) -> Void
    ) {
        sums.update(repeating: 0, count: quantities * channels)
        var start = 0
        while start < positions {
            let count = min(Self.block, positions - start)
            body(start, count, partial)
            cnk_add_scaled(partial, sums, quantities * channels, 1)
            start += count
        }
    }

    private func forEachGroup(_ body: (Range<Int>) -> Void) {
        for group in 0..<groups { body(group * groupChannels..<(group + 1) * groupChannels) }
    }

    private func total(_ sums: UnsafePointer<Float>, _ channels: Range<Int>) -> Double {
        var total = 0.0
        for channel in channels { total += Double(sums[channel]) }
        return total
    }

    private func fill(_ row: UnsafeMutablePointer<Float>, _ channels: Range<Int>, _ value: Float) {
        for channel in channels { row[channel] = value }
    }
}

extension GraphBuilder {
    /// Adds a group normalization (Wu and He 2018), as PyTorch's `GroupNorm`; the shape stays.
    /// - Parameters:
    ///   - input: the input.
    ///   - name: the node's name.
    ///   - groups: the number of groups of neighboring channels, which divides the number of channels; with one channel in
    ///     each it is instance normalization.
    ///   - epsilon: a small number added to the variance.
    public mutating func groupNormalization(
        _ input: Graph.Value, named name: String, groups: Int, epsilon: Float = 1e-5
    ) throws(ShapeError) -> Graph.Value {
        try add(GroupNormalization(groups: groups, epsilon: epsilon), named: name, input)
    }
}
