internal import CNeuralKernels

/// Statistics of a batch in shards: each shard's own mean and squares around it, combined in Double.
///
/// Source: Chan, Golub and LeVeque, "Algorithms for Computing the Sample Variance" (The American Statistician 1983), as
/// precise as the two passes over the rows of a whole batch.
extension BatchNormalizationKernel: BatchStatisticsKernel {
    /// The number of rows, then each channel's mean and sum of squares around it.
    var forwardSumCount: Int { 1 + 2 * channels }
    /// The sums of g and g (x - mean) by channel.
    var backwardSumCount: Int { 2 * channels }

    func combinesExamples(in mode: Mode) -> Bool { statistics(in: mode) == .training }

    func measure(_ pass: ForwardPass, into sums: UnsafeMutablePointer<Double>) {
        let rows = pass.batch * positions
        sums[0] = Double(rows)
        forEachMoment(pass, rows: rows) { channel, mean, squares in
            sums[1 + channel] = mean
            sums[1 + channels + channel] = squares
        }
    }

    func combine(_ sums: UnsafeMutablePointer<Double>, with others: UnsafePointer<Double>) {
        let count = sums[0] + others[0]
        let share = others[0] / count
        for channel in 1...channels {
            let distance = others[channel] - sums[channel]
            sums[channel] += distance * share
            sums[channels + channel] += others[channels + channel] + distance * distance * sums[0] * share
        }
        sums[0] = count
    }

    func updateState(_ state: [UnsafeMutablePointer<Float>], by sums: UnsafePointer<Double>) {
        for channel in 0..<channels {
            update(
                state, channel, mean: Float(sums[1 + channel]),
                unbiased: Float(sums[1 + channels + channel] / max(1, sums[0] - 1)))
        }
        state[2][0] += 1
    }

    func forward(_ pass: ForwardPass, sums: UnsafePointer<Double>) {
        let mean = pass.saved
        let inverse = pass.saved + channels
        for channel in 0..<channels {
            mean[channel] = Float(sums[1 + channel])
            let variance = sums[1 + channels + channel] / sums[0]
            inverse[channel] = Float(1 / (variance + Double(operation.epsilon)).squareRoot())
        }
        normalize(pass, rows: pass.batch * positions, mean: mean, inverse: inverse)
    }

    func measureGradients(_ pass: BackwardPass, into sums: UnsafeMutablePointer<Double>) {
        let inverse = pass.forward.saved + channels
        let blockSums = pass.scratch + 2 * channels
        let blocks = sumBlocks(pass, rows: pass.batch * positions, blockSums: blockSums)
        for channel in 0..<channels {
            let sum = blocks.total(blockSums, channel: channel)
            let product = blocks.total(blockSums, channel: channel, quantity: 1)
            (sums[channel], sums[channels + channel]) = (sum, product)
            pass.parameterGradients[0]?[channel] = Float(product * Double(inverse[channel]))
            pass.parameterGradients[1]?[channel] = Float(sum)
        }
    }

    func backward(_ pass: BackwardPass, sums: UnsafePointer<Double>, examples: Int) {
        let inverse = pass.forward.saved + channels
        let gradientMeans = pass.scratch
        let slopes = gradientMeans + channels
        let rows = Double(examples * positions)
        for channel in 0..<channels {
            gradientMeans[channel] = Float(sums[channel] / rows)
            let precision = Double(inverse[channel]) * Double(inverse[channel])
            slopes[channel] = Float(sums[channels + channel] / rows * precision)
        }
        passGradients(pass, rows: pass.batch * positions)
    }
}
