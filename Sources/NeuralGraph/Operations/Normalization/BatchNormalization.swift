import CNeuralKernels

/// Batch normalization over all axes but the last (Ioffe and Szegedy 2015), as PyTorch's `BatchNorm2d`.
///
/// In training mode it normalizes with the batch's statistics and updates the running ones; in inference mode it uses the
/// running ones. Input and output `[..., channels]`. Parameters `weight` and `bias` `[channels]`; state `running_mean`, `running_var`
/// (unbiased) and `num_batches_tracked`.
package struct BatchNormalization: GraphOperation {
    /// A small number added to the variance.
    package var epsilon: Float
    /// The share of the batch's statistics in the updated running ones.
    package var momentum: Float
    /// Whether training mode uses the running statistics too, and leaves them as they are.
    package var usesRunningStatistics = false
    /// The addition and activation that a plan fuses with it.
    var epilogue = Epilogue()

    /// Describes a batch normalization.
    package init(epsilon: Float = 1e-5, momentum: Float = 0.1) {
        self.epsilon = epsilon
        self.momentum = momentum
    }

    package var kind: String { "BatchNormalization" + epilogue.suffix }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        guard inputs.count == (epilogue.addsResidual ? 2 : 1), inputs[0].rank > 0,
            inputs.allSatisfy({ $0 == inputs[0] })
        else { throw ShapeError(node, "batch normalization takes one input with channels, not \(inputs)") }
        return inputs[0]
    }

    package func parameters(for inputs: [TensorShape]) -> [ParameterSpecification] {
        let shape: TensorShape = [inputs[0].channels]
        return [
            ParameterSpecification(name: "weight", shape: shape, initializer: .constant(1)),
            ParameterSpecification(name: "bias", shape: shape, initializer: .constant(0)),
        ]
    }

    package func state(for inputs: [TensorShape]) -> [StateSpecification] {
        let shape: TensorShape = [inputs[0].channels]
        return [
            StateSpecification(name: "running_mean", shape: shape, initialValue: 0),
            StateSpecification(name: "running_var", shape: shape, initialValue: 1),
            StateSpecification(name: "num_batches_tracked", shape: [], initialValue: 0, isInteger: true),
        ]
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        BatchNormalizationKernel(
            operation: self, positions: request.output.positions, channels: request.output.channels,
            capacity: request.batchCapacity)
    }
}

/// Forward: statistics, then one fused pass. Backward: two sums, then one fused pass. Each of the four reads memory once.
struct BatchNormalizationKernel: Kernel {
    let operation: BatchNormalization
    let positions: Int
    let channels: Int
    let capacity: Int

    /// With a residual the output tells where the activation let the gradient pass; without one, it is computed again.
    var backwardReads: BackwardReads { readsOutput ? [.firstInput, .output] : .firstInput }
    private var readsOutput: Bool { operation.epilogue.activation != nil && operation.epilogue.addsResidual }
    /// Mean and inverse standard deviation that the forward pass used, and the coefficients that it made of them.
    var savedCount: Int { 4 * channels }
    /// Forward three rows of block sums; backward two, and two rows of coefficients.
    var scratchCount: Int {
        BlockedSums(rows: capacity * positions, channels: channels, quantities: 3).scratchCount + 2 * channels
    }

    /// A residual's gradient is read from the output's gradient after the input's is written.
    var worksInPlace: Bool { !operation.epilogue.addsResidual }

    /// Rows that one task normalizes: an even number, so that no pair of rounded inputs is in two blocks.
    private var blockRows: Int { max(1, ThreadTeam.chunkFloats / channels / 2) * 2 }

    /// The activation's ceiling in the form that the loops take: 0 for no activation.
    var ceiling: Float { operation.epilogue.activation?.ceiling ?? 0 }

    /// Which statistics a pass normalizes with: its own in training, else the running ones.
    func statistics(in mode: Mode) -> Mode { operation.usesRunningStatistics ? .inference : mode }

    func forward(_ pass: ForwardPass) {
        let rows = pass.batch * positions
        let mean = pass.saved
        let inverse = pass.saved + channels
        switch statistics(in: pass.mode) {
        case .training:
            measure(pass, rows: rows, mean: mean, inverse: inverse)
        case .inference:
            for channel in 0..<channels {
                mean[channel] = pass.state[0][channel]
                inverse[channel] = 1 / (pass.state[1][channel] + operation.epsilon).squareRoot()
            }
        }
        normalize(pass, rows: rows, mean: mean, inverse: inverse)
    }

    /// Normalizes with statistics that are known.
    func normalize(
        _ pass: ForwardPass, rows: Int, mean: UnsafePointer<Float>, inverse: UnsafePointer<Float>
    ) {
        let scale = pass.saved + 2 * channels
        let shift = scale + channels
        for channel in 0..<channels {
            scale[channel] = pass.parameters[0][channel] * inverse[channel]
            shift[channel] = pass.parameters[1][channel] - mean[channel] * scale[channel]
        }
        let residual = operation.epilogue.addsResidual ? pass.inputs[1] : nil
        pass.threads.forEachBlock(of: rows, size: blockRows) { part in
            let offset = part.lowerBound * channels
            if let rounded = pass.memory.roundedInput {
                cnk_pair_columns(pass.inputs[0] + offset, 1, part.count * channels, rounded + offset / 2)
            }
            cnk_normalize(
                pass.inputs[0] + offset, residual.map { $0 + offset }, pass.output + offset, part.count, channels,
                scale, shift, ceiling)
        }
    }

    /// The batch's mean and biased variance.
    private func measure(
        _ pass: ForwardPass, rows: Int, mean: UnsafeMutablePointer<Float>, inverse: UnsafeMutablePointer<Float>
    ) {
        let count = Double(rows)
        forEachMoment(pass, rows: rows) { channel, average, squares in
            let variance = squares / count
            mean[channel] = Float(average)
            inverse[channel] = Float(1 / (variance + Double(operation.epsilon)).squareRoot())
            guard pass.updatesState else { return }
            update(pass.state, channel, mean: mean[channel], unbiased: Float(squares / max(1, count - 1)))
        }
        if pass.updatesState { pass.state[2][0] += 1 }
    }

    /// Calls `body` with each channel's mean and sum of squares around it, on all workers.
    ///
    /// A block of rows, which stays in a cache, is summed and squared around a pivot near its own mean; the blocks follow in Double.
    /// The difference of large sums would lose digits.
    func forEachMoment(
        _ pass: ForwardPass, rows: Int, _ body: (_ channel: Int, _ mean: Double, _ squares: Double) -> Void
    ) {
        let (x, scratch) = (pass.inputs[0], pass.scratch)
        let blocks = BlockedSums(rows: rows, channels: channels, quantities: 3)
        blocks.forEachBlock(scratch, pass.threads) { block, partial, _ in
            cnk_column_moments(
                x + block.lowerBound * channels, block.count, channels, partial, partial + channels,
                partial + 2 * channels)
        }
        /// A block's number of rows, its pivot, and its sums of x - pivot and of the square.
        func moments(_ block: Int, _ channel: Int) -> (count: Double, pivot: Double, sum: Double, squares: Double) {
            let sums = scratch + 3 * block * channels + channel
            let count = min(blocks.blockRows, rows - block * blocks.blockRows)
            return (Double(count), Double(sums[0]), Double(sums[channels]), Double(sums[2 * channels]))
        }
        pass.threads.forEachChunk(of: channels, floatsEach: 3 * blocks.blockCount) { part in
            for channel in part {
                var total = 0.0
                for block in 0..<blocks.blockCount {
                    let (count, pivot, sum, _) = moments(block, channel)
                    total += count * pivot + sum
                }
                let mean = total / Double(rows)
                var aroundMean = 0.0
                for block in 0..<blocks.blockCount {
                    let (count, pivot, sum, squares) = moments(block, channel)
                    // The sum of (x - pivot + distance)^2.
                    let distance = pivot - mean
                    aroundMean += squares + distance * (2 * sum + count * distance)
                }
                body(channel, mean, max(0, aroundMean))
            }
        }
    }

    /// Moves one channel's running statistics.
    func update(_ state: [UnsafeMutablePointer<Float>], _ channel: Int, mean: Float, unbiased: Float) {
        let momentum = operation.momentum
        state[0][channel] += momentum * (mean - state[0][channel])
        state[1][channel] += momentum * (unbiased - state[1][channel])
    }

    func backward(_ pass: BackwardPass) {
        let forward = pass.forward
        let rows = pass.batch * positions
        let isTraining = statistics(in: forward.mode) == .training
        let wantsParameters = pass.parameterGradients[0] != nil || pass.parameterGradients[1] != nil
        if isTraining || wantsParameters { sumGradients(pass, rows: rows, blockSums: pass.scratch + 2 * channels) }
        passGradients(pass, rows: rows)
    }

    /// Passes the gradient on, by the means and slopes in working memory.
    func passGradients(_ pass: BackwardPass, rows: Int) {
        let residual = operation.epilogue.addsResidual ? pass.inputGradients[1] : nil
        guard let input = pass.inputGradients[0] else {
            if let residual { passResidual(pass, rows: rows, target: residual) }
            return
        }
        // One value may be both the input and the residual: then the second gradient is added to the first.
        let isShared = input.pointer == residual?.pointer
        let isTraining = statistics(in: pass.forward.mode) == .training
        let means: UnsafeMutablePointer<Float>? = isTraining ? pass.scratch : nil
        pass.threads.forEachChunk(of: rows, floatsEach: channels) { part in
            let offset = part.lowerBound * channels
            var gradients = normalization(pass, rows: part)
            var target = cnk_normalization_target()
            target.dx = input.pointer + offset
            target.dx_accumulates = input.accumulates ? 1 : 0
            if let residual, !isShared {
                target.residual = residual.pointer + offset
                target.residual_accumulates = residual.accumulates ? 1 : 0
            }
            cnk_normalize_backward_input(&gradients, means, means.map { $0 + channels }, &target)
        }
        if let residual, isShared { passResidual(pass, rows: rows, target: residual) }
    }

    /// What the backward loops read of some rows.
    private func normalization(_ pass: BackwardPass, rows: Range<Int>) -> cnk_normalization {
        let offset = rows.lowerBound * channels
        let saved = UnsafePointer(pass.forward.saved)
        var result = cnk_normalization()
        if let rounded = pass.forward.memory.roundedInput {
            result.rounded = UnsafeRawPointer(rounded) + offset * MemoryLayout<UInt16>.stride
        } else {
            result.x = UnsafePointer(pass.forward.inputs[0]) + offset
        }
        result.dy = UnsafePointer(pass.outputGradient) + offset
        if readsOutput { result.y = UnsafePointer(pass.forward.output) + offset }
        result.means = saved
        result.scale = saved + 2 * channels
        result.shift = saved + 3 * channels
        result.ceiling = ceiling
        result.rows = rows.count
        result.channels = channels
        return result
    }

    /// The residual's gradient is the output's where the activation let it pass.
    private func passResidual(_ pass: BackwardPass, rows: Int, target: GradientTarget) {
        let dy = pass.outputGradient
        pass.threads.forEachChunk(of: rows, floatsEach: channels) { part in
            let offset = part.lowerBound * channels
            let count = part.count * channels
            if readsOutput {
                cnk_rectify_backward(
                    pass.forward.output + offset, dy + offset, target.pointer + offset, count, ceiling,
                    target.accumulates ? 1 : 0)
            } else if target.accumulates {
                cnk_add_scaled(dy + offset, target.pointer + offset, count, 1)
            } else {
                (target.pointer + offset).update(from: dy + offset, count: count)
            }
        }
    }

    /// Sums g and g (x - mean) over blocks of rows.
    func sumBlocks(_ pass: BackwardPass, rows: Int, blockSums: UnsafeMutablePointer<Float>) -> BlockedSums {
        let sums = BlockedSums(rows: rows, channels: channels, quantities: 2)
        sums.forEachBlock(blockSums, pass.threads) { block, partial, _ in
            var gradients = normalization(pass, rows: block)
            cnk_normalize_backward_sums(&gradients, partial, partial + channels)
        }
        return sums
    }

    /// Sums g and g (x - mean) over the rows: the bias's gradient, the weight's, and the input gradient's two means.
    private func sumGradients(_ pass: BackwardPass, rows: Int, blockSums: UnsafeMutablePointer<Float>) {
        let inverse = pass.forward.saved + channels
        let gradientMeans = pass.scratch
        let slopes = gradientMeans + channels
        let sums = sumBlocks(pass, rows: rows, blockSums: blockSums)
        for channel in 0..<channels {
            let sum = sums.total(blockSums, channel: channel)
            let product = sums.total(blockSums, channel: channel, quantity: 1)
            pass.parameterGradients[0]?[channel] = Float(product * Double(inverse[channel]))
            pass.parameterGradients[1]?[channel] = Float(sum)
            gradientMeans[channel] = Float(sum / Double(rows))
            let precision = Double(inverse[channel]) * Double(inverse[channel])
            slopes[channel] = Float(product / Double(rows) * precision)
        }
    }
}

extension BatchNormalizationKernel: RoundedInputKernel {
    /// A residual would have to wait too, in as much memory as the output.
    var repeatsForward: Bool { !operation.epilogue.addsResidual }

    func repeatForward(
        _ memory: NodeMemory, batch: Int, rounded: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>,
        threads: ThreadTeam
    ) {
        let scale = memory.saved + 2 * channels
        let shift = scale + channels
        threads.forEachChunk(of: batch * positions, floatsEach: channels) { part in
            let offset = part.lowerBound * channels
            cnk_normalize_rounded(
                UnsafeRawPointer(rounded) + offset * MemoryLayout<UInt16>.stride, output + offset, part.count, channels,
                scale, shift, ceiling)
        }
    }
}

extension Model {
    /// The model with batch norms that use their running statistics in training too, as after PyTorch's `eval()` on them.
    package var withFrozenBatchNorm: Model {
        let nodes = graph.nodes.map { node -> Graph.Node in
            guard var operation = node.operation as? BatchNormalization else { return node }
            operation.usesRunningStatistics = true
            return Graph.Node(
                name: node.name, operation: operation, inputs: node.inputs, inputShapes: node.inputShapes,
                shape: node.shape, parameters: node.parameters, state: node.state, keys: node.keys)
        }
        return Model(part: Graph(inputShape: graph.inputShape, nodes: nodes), of: self, metadata: metadata)
    }
}

extension GraphBuilder {
    /// Adds a batch normalization; the shape stays.
    /// - Parameters:
    ///   - input: the input.
    ///   - name: the node's name.
    ///   - epsilon: a small number added to the variance.
    ///   - momentum: the share of the batch's statistics in the updated running ones.
    public mutating func batchNormalization(
        _ input: Graph.Value, named name: String, epsilon: Float = 1e-5, momentum: Float = 0.1
    ) throws(ShapeError) -> Graph.Value {
        try add(BatchNormalization(epsilon: epsilon, momentum: momentum), named: name, input)
    }
}
