internal import CNeuralKernels

/// 3x3 convolution with stride 1 by Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray 2016): four times fewer
/// multiplications than im2col where maps divide by 4.
///
/// A tile of 6x6 inputs becomes 36 numbers a channel, and so do the weights; products of the 36 planes, transformed
/// back, are 4x4 outputs. For one plane q and a block of tiles:
///
///     M_q [tiles x outputs]  =  V_q [tiles x inputs] · U_q [inputs x outputs]         forward
///     dU_q [inputs x outputs] += V_qᵀ [inputs x tiles] · dM_q [tiles x outputs]       weight gradient
///
/// The input gradient is the forward pass of the output gradient with the weights turned by 180 degrees and inputs and
/// outputs exchanged.
struct WinogradConvolution: ConvolutionAlgorithm {
    private let forwardTiles: Tiles
    private let inputGradientTiles: Tiles
    private let geometry: ConvolutionGeometry

    private static let planes = Int(CNK_WINOGRAD_PLANES)
    private static let panel = Int(CNK_PANEL)
    /// Floats of one task's transformed tiles: what stays in a second-level cache of 1 MiB beside the weights.
    private static let blockFloats = 160 * 1024
    /// Floats of the transformed tiles that the weight gradient sums at a time: they stay in a shared cache.
    private static let chunkFloats = 1536 * 1024
    /// Tiles of a block at least, so that weights are read often enough for each time they are loaded.
    private static let leastTiles = 48

    init(geometry: ConvolutionGeometry) {
        self.geometry = geometry
        forwardTiles = Tiles(
            source: cnk_image(
                height: geometry.rows.length, width: geometry.columns.length, channels: geometry.inputChannels),
            target: cnk_image(
                height: geometry.rows.outputLength, width: geometry.columns.outputLength,
                channels: geometry.outputChannels),
            top: geometry.rows.paddingBefore, left: geometry.columns.paddingBefore)
        inputGradientTiles = Tiles(
            source: forwardTiles.target, target: forwardTiles.source, top: 2 - geometry.rows.paddingBefore,
            left: 2 - geometry.columns.paddingBefore)
    }

    /// Whether the algorithm computes this convolution at all.
    static func supports(_ geometry: ConvolutionGeometry) -> Bool {
        [geometry.rows, geometry.columns].allSatisfy {
            $0.kernel == 3 && $0.stride == 1 && $0.dilation == 1 && $0.paddingBefore <= 2
                && $0.outputLength <= $0.length + 2
        } && geometry.groups == 1
    }

    var name: String { "Winograd" }

    func scratchCount(_ pass: ConvolutionPass, batch: Int, workers: Int) -> Int {
        switch pass {
        case .forward: return filterCount(forwardTiles) + workers * blockCount(forwardTiles)
        case .inputGradient: return filterCount(inputGradientTiles) + workers * blockCount(inputGradientTiles)
        case .weightGradient:
            return Self.planes * geometry.inputChannels * Self.padded(geometry.outputChannels)
                + Self.planes * chunkTiles(batch: batch)
                * (geometry.inputChannels + Self.padded(geometry.outputChannels))
        }
    }

    func forward(
        x: UnsafePointer<Float>, w: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        transformFilters(w, turned: false, into: scratch, threads: threads)
        convolve(
            x, forwardTiles, filters: scratch, into: GradientTarget(pointer: y, accumulates: false), batch: batch,
            scratch: scratch + filterCount(forwardTiles), threads: threads)
    }

    func inputGradient(
        dy: UnsafePointer<Float>, w: UnsafePointer<Float>, dx: GradientTarget, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        transformFilters(w, turned: true, into: scratch, threads: threads)
        convolve(
            dy, inputGradientTiles, filters: scratch, into: dx, batch: batch,
            scratch: scratch + filterCount(inputGradientTiles), threads: threads)
    }

    func weightGradient(
        x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        let (inputs, outputs) = (geometry.inputChannels, geometry.outputChannels)
        let paddedOutputs = Self.padded(outputs)
        let tiles = forwardTiles
        let total = batch * tiles.perImage
        let chunk = chunkTiles(batch: batch)
        let du = scratch
        let v = du + Self.planes * inputs * paddedOutputs
        let dm = v + Self.planes * chunk * inputs
        let inputBlock = 96
        let inputBlocks = (inputs + inputBlock - 1) / inputBlock
        var start = 0
        while start < total {
            let count = min(chunk, total - start)
            let first = start
            threads.forEachBlock(of: count, size: 8) { part in
                for index in part {
                    let tile = tiles.tile(first + index)
                    cnk_winograd_input(
                        x + tile.image * geometry.inputCount, tiles.source, tile.row - tiles.top,
                        tile.column - tiles.left, v + index * inputs, chunk * inputs)
                    cnk_winograd_output_adjoint(
                        dy + tile.image * geometry.outputCount, tiles.target, tile.row, tile.column,
                        dm + index * paddedOutputs, chunk * paddedOutputs)
                }
            }
            threads.forEach(Self.planes * inputBlocks) { task, _ in
                let (plane, block) = task.quotientAndRemainder(dividingBy: inputBlocks)
                let channel = block * inputBlock
                // dU [inputs x outputs] += Vᵀ [inputs x tiles] · dM [tiles x outputs]
                cnk_multiply_transposed(
                    v + plane * chunk * inputs + channel, inputs, dm + plane * chunk * paddedOutputs,
                    paddedOutputs, du + (plane * inputs + channel) * paddedOutputs, paddedOutputs,
                    min(inputBlock, inputs - channel), count, paddedOutputs, first > 0 ? 1 : 0)
            }
            start += count
        }
        threads.forEachBlock(of: inputs, size: max(1, 2048 / outputs)) { part in
            cnk_winograd_weights_adjoint(
                du, paddedOutputs, inputs, outputs, part.lowerBound, part.upperBound, dw)
        }
    }

    /// Blocks of tiles, each transformed, multiplied in 36 planes and transformed back by one task.
    private func convolve(
        _ source: UnsafePointer<Float>, _ tiles: Tiles, filters: UnsafePointer<Float>, into target: GradientTarget,
        batch: Int, scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        let (inner, outer) = (tiles.source.channels, Self.padded(tiles.target.channels))
        let total = batch * tiles.perImage
        let size = blockTiles(tiles)
        threads.forEach((total + size - 1) / size) { block, worker in
            let first = block * size
            let count = min(size, total - first)
            let v = scratch + worker * blockCount(tiles)
            let m = v + Self.planes * size * inner
            for index in 0..<count {
                let tile = tiles.tile(first + index)
                cnk_winograd_input(
                    source + tile.image * tiles.sourceCount, tiles.source, tile.row - tiles.top,
                    tile.column - tiles.left, v + index * inner, size * inner)
            }
            for plane in 0..<Self.planes {
                // M [tiles x outputs] = V [tiles x inputs] · U [inputs x outputs]
                cnk_multiply_panels(
                    v + plane * size * inner, inner, filters + plane * inner * outer, m + plane * size * outer,
                    outer, count, inner, outer)
            }
            for index in 0..<count {
                let tile = tiles.tile(first + index)
                cnk_winograd_output(
                    m + index * outer, size * outer, target.pointer + tile.image * tiles.targetCount, tiles.target,
                    tile.row, tile.column, target.accumulates ? 1 : 0)
            }
        }
    }

    private func transformFilters(
        _ w: UnsafePointer<Float>, turned: Bool, into u: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        let columns = turned ? geometry.inputChannels : geometry.outputChannels
        threads.forEach(Self.padded(columns) / Self.panel) { panel, _ in
            cnk_winograd_weights(
                w, geometry.inputChannels, geometry.outputChannels, turned ? 1 : 0, u, panel, panel + 1)
        }
    }

    private func filterCount(_ tiles: Tiles) -> Int {
        Self.planes * tiles.source.channels * Self.padded(tiles.target.channels)
    }

    private func blockTiles(_ tiles: Tiles) -> Int {
        let floats = Self.planes * (tiles.source.channels + Self.padded(tiles.target.channels))
        // The matrix products work on twelve rows at a time.
        return max(Self.leastTiles, Self.blockFloats / floats / 12 * 12)
    }

    private func blockCount(_ tiles: Tiles) -> Int {
        Self.planes * blockTiles(tiles) * (tiles.source.channels + Self.padded(tiles.target.channels))
    }

    private func chunkTiles(batch: Int) -> Int {
        let floats = Self.planes * (geometry.inputChannels + Self.padded(geometry.outputChannels))
        return min(batch * forwardTiles.perImage, max(128, Self.chunkFloats / floats))
    }

    private static func padded(_ channels: Int) -> Int { (channels + panel - 1) / panel * panel }
}

/// The 4x4 output tiles of a batch, numbered through its images.
private struct Tiles {
    let source: cnk_image
    let target: cnk_image
    /// Rows of padding above the source.
    let top: Int
    /// Columns of padding at its left.
    let left: Int

    private static let size = Int(CNK_WINOGRAD_OUTPUTS)

    var perRow: Int { (target.width + Self.size - 1) / Self.size }
    var perImage: Int { (target.height + Self.size - 1) / Self.size * perRow }
    var sourceCount: Int { source.height * source.width * source.channels }
    var targetCount: Int { target.height * target.width * target.channels }

    /// The image and the top left output of a tile.
    @inline(__always)
    func tile(_ index: Int) -> (image: Int, row: Int, column: Int) {
        let (image, rest) = index.quotientAndRemainder(dividingBy: perImage)
        let (row, column) = rest.quotientAndRemainder(dividingBy: perRow)
        return (image, row * Self.size, column * Self.size)
    }
}
