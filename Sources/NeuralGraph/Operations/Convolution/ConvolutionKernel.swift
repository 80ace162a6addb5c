import CNeuralKernels

/// A convolution in a plan: the algorithm picked for each pass, and what is fused with it.
///
/// `y = max(conv(x, s w) + b + residual, 0)`, where batch norm in inference mode makes `s` and `b`; without it `s` is 1
/// and `b` the convolution's own bias, if it has one.
struct ConvolutionKernel: TwoPartKernel {
    let geometry: ConvolutionGeometry
    let fusion: ConvolutionFusion
    let scratchCount: Int
    let backwardReads: BackwardReads
    /// Weights in the algorithms' orders that stay for good: where no gradient by them is wanted.
    let packedCount: Int
    private let forwardWeights: PreparedWeights
    private let inputGradientWeights: PreparedWeights
    private let weightAlgorithm: any ConvolutionAlgorithm
    private let keepsPacked: Bool

    init(geometry: ConvolutionGeometry, fusion: ConvolutionFusion, request: KernelRequest) {
        self.geometry = geometry
        self.fusion = fusion
        let (batch, workers) = (request.batchCapacity, request.workers)
        let keepsPacked = !request.wantsParameterGradients
        let planner = ConvolutionPlanner(
            geometry: geometry, batch: batch, algorithms: request.algorithms, precision: request.precision,
            keepsWeights: keepsPacked)
        let copies = fusion.normalization != nil
        // Prepared weights that stay lie behind each other, after the bias; others take turns in scratch memory.
        let biasCount = copies ? MemoryPlan.aligned(geometry.outputChannels) : 0
        let forward = PreparedWeights(
            algorithm: planner.algorithm(for: .forward), pass: .forward, offset: biasCount,
            weightCount: geometry.weightCount,
            copies: copies)
        let inputGradient = PreparedWeights(
            algorithm: planner.algorithm(for: .inputGradient), pass: .inputGradient,
            offset: keepsPacked ? biasCount + forward.count : 0, weightCount: geometry.weightCount, copies: copies)
        weightAlgorithm = planner.algorithm(for: .weightGradient)
        forwardWeights = forward
        inputGradientWeights = inputGradient
        self.keepsPacked = keepsPacked
        let runsBackward = request.runsBackward
        packedCount = keepsPacked ? biasCount + forward.count + (runsBackward ? inputGradient.count : 0) : 0
        backwardReads = [
            request.wantsParameterGradients ? .firstInput : [], fusion.epilogue.activation != nil ? .output : [],
        ]

        var counts = [forward.algorithm.scratchCount(.forward, batch: batch, workers: workers)]
        if runsBackward {
            counts.append(inputGradient.algorithm.scratchCount(.inputGradient, batch: batch, workers: workers))
        }
        if !keepsPacked { counts = zip(counts, [forward.count, inputGradient.count]).map { $0 + $1 } }
        if copies { counts.append(geometry.weightCount) }
        if request.wantsParameterGradients {
            counts.append(weightAlgorithm.scratchCount(.weightGradient, batch: batch, workers: workers))
            counts.append(Self.biasSums(geometry, batch: batch).scratchCount)
        }
        scratchCount = counts.max() ?? 0
    }

    private static func biasSums(_ geometry: ConvolutionGeometry, batch: Int) -> BlockedSums {
        BlockedSums(rows: batch * geometry.outputPositions, channels: geometry.outputChannels)
    }

    var algorithm: String {
        let names = [forwardWeights.algorithm, inputGradientWeights.algorithm, weightAlgorithm].map(\.name)
        return Set(names).count == 1 ? names[0] : names.joined(separator: " / ")
    }

    func packWeights(_ pass: PackingPass) {
        var weights = UnsafePointer(pass.parameters[0])
        if let normalization = fusion.normalization {
            normalization.fold(
                pass, into: pass.scratch, bias: pass.packed, geometry: geometry, hasBias: fusion.hasBias)
            weights = UnsafePointer(pass.scratch)
        }
        forwardWeights.packWeights(weights, into: pass.packed, threads: pass.threads)
        if pass.runsBackward { inputGradientWeights.packWeights(weights, into: pass.packed, threads: pass.threads) }
    }

    func forward(_ pass: ForwardPass) {
        var epilogue = cnk_epilogue.none
        if fusion.normalization != nil {
            epilogue.bias = UnsafePointer(pass.packed)
        } else if fusion.hasBias {
            epilogue.bias = UnsafePointer(pass.parameters[1])
        }
        if fusion.epilogue.addsResidual { epilogue.residual = UnsafePointer(pass.inputs[1]) }
        if let activation = fusion.epilogue.activation {
            epilogue.rectifies = 1
            epilogue.ceiling = activation.ceiling
        }
        let (weights, scratch) = memory(forwardWeights, pass)
        forwardWeights.algorithm.forward(
            x: pass.inputs[0], w: weights, y: pass.output, epilogue: epilogue, batch: pass.batch, scratch: scratch,
            threads: pass.threads)
    }

    func backward(_ pass: BackwardPass) {
        backwardInputs(pass)
        backwardParameters(pass)
    }

    func backwardInputs(_ pass: BackwardPass) {
        let forward = pass.forward
        let dy = pass.outputGradient
        let count = pass.batch * geometry.outputCount
        if let ceiling = fusion.epilogue.activation?.ceiling {
            pass.threads.forEachChunk(of: count, floatsEach: 1) { part in
                cnk_rectify_backward(
                    forward.output + part.lowerBound, dy + part.lowerBound, dy + part.lowerBound, part.count, ceiling,
                    0)
            }
        }
        if let dx = pass.inputGradients[0] {
            let (weights, scratch) = memory(inputGradientWeights, forward)
            inputGradientWeights.algorithm.inputGradient(
                dy: dy, w: weights, dx: dx, batch: pass.batch, scratch: scratch, threads: pass.threads)
        }
        // After the first input's, which it is added to where both are one value.
        if fusion.epilogue.addsResidual, let target = pass.inputGradients[1] {
            GradientCopy.pass(dy, to: target, count: count, threads: pass.threads)
        }
    }

    func backwardParameters(_ pass: BackwardPass) {
        let forward = pass.forward
        let dy = pass.outputGradient
        if let dw = pass.parameterGradients[0] {
            weightAlgorithm.weightGradient(
                x: forward.inputs[0], dy: dy, dw: dw, batch: pass.batch, scratch: pass.scratch, threads: pass.threads)
        }
        if fusion.normalization == nil, fusion.hasBias, let db = pass.parameterGradients[1] {
            Self.biasSums(geometry, batch: pass.batch)
                .sumColumns(of: dy, into: db, scratch: pass.scratch, threads: pass.threads)
        }
    }

    /// A pass's weights in its algorithm's order, and the scratch memory beside them.
    private func memory(
        _ weights: PreparedWeights, _ pass: ForwardPass
    ) -> (weights: UnsafePointer<Float>, scratch: UnsafeMutablePointer<Float>) {
        guard weights.count > 0 else { return (UnsafePointer(pass.parameters[0]), pass.scratch) }
        if keepsPacked { return (UnsafePointer(pass.packed + weights.offset), pass.scratch) }
        if !pass.reusesScratch { weights.packWeights(pass.parameters[0], into: pass.scratch, threads: pass.threads) }
        return (UnsafePointer(pass.scratch), pass.scratch + weights.count)
    }
}

/// One pass's weights in its algorithm's order.
private struct PreparedWeights: Sendable {
    let algorithm: any ConvolutionAlgorithm
    let pass: ConvolutionPass
    /// Where they lie in packed memory.
    let offset: Int
    /// How many floats they take; 0 if the parameters are read as they are.
    let count: Int
    private let weightCount: Int

    /// - Parameter copies: whether they differ from the parameters even where the algorithm has no order of its own.
    init(algorithm: any ConvolutionAlgorithm, pass: ConvolutionPass, offset: Int, weightCount: Int, copies: Bool) {
        self.algorithm = algorithm
        self.pass = pass
        self.offset = offset
        self.weightCount = weightCount
        let ownOrder = algorithm.packedCount(pass)
        count = MemoryPlan.aligned(ownOrder > 0 ? ownOrder : copies ? weightCount : 0)
    }

    func packWeights(_ w: UnsafePointer<Float>, into memory: UnsafeMutablePointer<Float>, threads: ThreadTeam) {
        guard count > 0 else { return }
        if algorithm.packedCount(pass) > 0 {
            algorithm.packWeights(pass, w: w, into: memory + offset, threads: threads)
        } else {
            (memory + offset).update(from: w, count: weightCount)
        }
    }
}
