import CNeuralKernels

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
    /// 1 if images and weights are rounded to bfloat16 before they are transformed; the products sum them in floats.
    private let rounds: Int32

    private static let planes = Int(CNK_WINOGRAD_PLANES)
    private static let panel = Int(CNK_PANEL)
    private static let lanes = 16
    /// Floats of one task's transformed tiles: what stays in a second-level cache of 1 MiB beside the weights.
    private static let blockFloats = 128 * 1024
    /// Floats of the transformed tiles that the weight gradient sums at a time: they stay in a shared cache.
    private static let chunkFloats = 1536 * 1024
    /// Tiles of a block at least, so that weights are read often enough for each time they are loaded.
    private static let minimumTiles = 24
    /// Weights, in floats, that do not stay in a second-level cache.
    private static let largeWeights = 1024 * 1024
    /// The tiles in work at a time then, and the panels of weights that one task multiplies them by.
    private static let tilesForLargeWeights = 192
    private static let panelsOfPart = 4

    init(geometry: ConvolutionGeometry, precision: Precision) {
        self.geometry = geometry
        rounds = precision == .bfloat16 ? 1 : 0
        forwardTiles = Tiles(
            source: cnk_image(
                height: geometry.rows.length, width: geometry.columns.length, channels: geometry.inputChannels,
                rounds: rounds),
            target: cnk_image(
                height: geometry.rows.outputLength, width: geometry.columns.outputLength,
                channels: geometry.outputChannels, rounds: rounds),
            top: geometry.rows.paddingBefore, left: geometry.columns.paddingBefore)
        inputGradientTiles = Tiles(
            source: forwardTiles.target, target: forwardTiles.source, top: 2 - geometry.rows.paddingBefore,
            left: 2 - geometry.columns.paddingBefore)
    }

    /// Whether the algorithm computes this convolution at all.
    static func supports(_ geometry: ConvolutionGeometry) -> Bool {
        [geometry.rows, geometry.columns].allSatisfy {
            $0.kernelSize == 3 && $0.stride == 1 && $0.dilation == 1 && $0.paddingBefore <= 2
                && $0.outputLength <= $0.length + 2
        } && geometry.groups == 1
    }

    /// The tiles that an image's output is cut into.
    static func tilesPerImage(_ geometry: ConvolutionGeometry) -> Int {
        let size = Int(CNK_WINOGRAD_OUTPUTS)
        return (geometry.rows.outputLength + size - 1) / size * ((geometry.columns.outputLength + size - 1) / size)
    }

    var name: String { "Winograd" }

    func packedCount(_ pass: ConvolutionPass) -> Int {
        switch pass {
        case .forward: forwardTiles.filterCount
        case .inputGradient: inputGradientTiles.filterCount
        case .weightGradient: 0
        }
    }

    func scratchCount(_ pass: ConvolutionPass, batch: Int, workers: Int) -> Int {
        switch pass {
        case .forward: return tileCount(forwardTiles, batch: batch, workers: workers)
        case .inputGradient: return tileCount(inputGradientTiles, batch: batch, workers: workers)
        case .weightGradient:
            return Self.planes * geometry.inputChannels * Self.padded(geometry.outputChannels)
                + Self.planes * (chunk(batch: batch).inputPlane + chunk(batch: batch).gradientPlane)
        }
    }

    func packWeights(
        _ pass: ConvolutionPass, w: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>,
        threads: ThreadTeam
    ) {
        let (inputs, outputs) = (geometry.inputChannels, geometry.outputChannels)
        let tiles = pass == .forward ? forwardTiles : inputGradientTiles
        threads.forEach(tiles.panels) { panel, _ in
            let target = packed + panel * tiles.panelStride
            if pass == .forward {
                cnk_winograd_weights(w, inputs, outputs, panel, rounds, target, tiles.filterPlane)
            } else {
                cnk_winograd_weights_turned(w, inputs, outputs, panel, rounds, target, tiles.filterPlane)
            }
        }
    }

    func forward(
        x: UnsafePointer<Float>, w: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, epilogue: cnk_epilogue,
        batch: Int, scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        convolve(
            x, forwardTiles, filters: w, into: y, epilogue: epilogue, batch: batch, scratch: scratch,
            threads: threads)
    }

    func inputGradient(
        dy: UnsafePointer<Float>, w: UnsafePointer<Float>, dx: GradientTarget, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        convolve(
            dy, inputGradientTiles, filters: w, into: dx.pointer, epilogue: .adding(to: dx), batch: batch,
            scratch: scratch, threads: threads)
    }

    func weightGradient(
        x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        let (inputs, outputs) = (geometry.inputChannels, geometry.outputChannels)
        let (inputStride, outputStride) = (forwardTiles.sourceStride, Self.padded(outputs))
        let tiles = forwardTiles
        let total = batch * tiles.perImage
        let chunk = chunk(batch: batch)
        let du = scratch
        let v = du + Self.planes * inputs * outputStride
        let dm = v + Self.planes * chunk.inputPlane
        let inputBlock = BatchReduceWeightGradient.evenRows(inputs)
        let inputBlocks = (inputs + inputBlock - 1) / inputBlock
        var start = 0
        while start < total {
            let count = min(chunk.tiles, total - start)
            let first = start
            threads.forEachBlock(of: count, size: 8) { part in
                tiles.transform(x, part, from: first, into: v, plane: chunk.inputPlane)
                for index in part {
                    let tile = tiles.tile(first + index)
                    cnk_winograd_output_adjoint(
                        dy + tile.image * geometry.outputCount, tiles.target, tile.row, tile.column,
                        dm + index * outputStride, chunk.gradientPlane)
                }
            }
            threads.forEach(Self.planes * inputBlocks) { task, _ in
                let (plane, block) = task.quotientAndRemainder(dividingBy: inputBlocks)
                let channel = block * inputBlock
                // dU [inputs x outputs] += Vᵀ [inputs x tiles] · dM [tiles x outputs]
                var product = cnk_brgemm()
                product.a = UnsafePointer(v + plane * chunk.inputPlane + channel)
                product.a_row = 1
                product.b = UnsafePointer(dm + plane * chunk.gradientPlane)
                product.b_panel = Self.panel
                product.c = du + (plane * inputs + channel) * outputStride
                product.c_row = outputStride
                product.rows = min(inputBlock, inputs - channel)
                product.columns = outputStride
                product.groups.count = 1
                product.outer.count = 1
                product.middle.count = 1
                product.inner = cnk_axis(count: count, a: inputStride, b: outputStride)
                product.epilogue.accumulates = first > 0 ? 1 : 0
                cnk_multiply(&product)
            }
            start += count
        }
        threads.forEachBlock(of: inputs, size: max(1, 2048 / outputs)) { part in
            cnk_winograd_weights_adjoint(
                du, outputStride, inputs, outputs, part.lowerBound, part.upperBound, dw)
        }
    }

    /// Blocks of tiles, each transformed, multiplied in 36 planes and transformed back by one task.
    private func convolve(
        _ source: UnsafePointer<Float>, _ tiles: Tiles, filters: UnsafePointer<Float>,
        into target: UnsafeMutablePointer<Float>, epilogue: cnk_epilogue, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        guard !tiles.hasLargeFilters else {
            convolveByPlanes(
                source, tiles, filters: filters, into: target, epilogue: epilogue, batch: batch, scratch: scratch,
                threads: threads)
            return
        }
        let (inner, outer) = (tiles.sourceStride, tiles.targetStride)
        let total = batch * tiles.perImage
        let size = blockTiles(tiles)
        let (inputPlane, outputPlane) = (Self.plane(size * inner), Self.plane(size * outer))
        threads.forEach((total + size - 1) / size) { block, worker in
            let first = block * size
            let count = min(size, total - first)
            let v = scratch + worker * blockCount(tiles)
            let m = v + Self.planes * inputPlane
            tiles.transform(source, 0..<count, from: first, into: v, plane: inputPlane)
            var product = cnk_brgemm()
            product.a_row = inner
            product.b_panel = tiles.panelStride
            product.c_row = outer
            product.rows = count
            product.columns = outer
            product.groups.count = 1
            product.outer.count = 1
            product.middle.count = 1
            product.inner = cnk_axis(count: tiles.source.channels, a: 1, b: Self.panel)
            for plane in 0..<Self.planes {
                // M [tiles x outputs] = V [tiles x inputs] · U [inputs x outputs]
                product.a = UnsafePointer(v + plane * inputPlane)
                product.b = filters + plane * tiles.filterPlane
                product.c = m + plane * outputPlane
                cnk_multiply(&product)
            }
            tiles.restore(m, 0..<count, from: first, plane: outputPlane, into: target, epilogue)
        }
    }

    /// The same where weights are too many for a task's cache: all tasks transform tiles, then each multiplies the tiles
    /// of one plane by a part of its weights, which are read once for all tiles, then all transform back.
    private func convolveByPlanes(
        _ source: UnsafePointer<Float>, _ tiles: Tiles, filters: UnsafePointer<Float>,
        into target: UnsafeMutablePointer<Float>, epilogue: cnk_epilogue, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        let (inner, outer) = (tiles.sourceStride, tiles.targetStride)
        let total = batch * tiles.perImage
        let size = min(total, Self.tilesForLargeWeights)
        let (inputPlane, outputPlane) = (Self.plane(size * inner), Self.plane(size * outer))
        let v = scratch
        let m = v + Self.planes * inputPlane
        let parts = (tiles.panels + Self.panelsOfPart - 1) / Self.panelsOfPart
        for first in stride(from: 0, to: total, by: size) {
            let count = min(size, total - first)
            threads.forEachBlock(of: count, size: 4) { block in
                tiles.transform(source, block, from: first, into: v, plane: inputPlane)
            }
            threads.forEach(Self.planes * parts) { task, _ in
                let (plane, part) = task.quotientAndRemainder(dividingBy: parts)
                let panel = part * Self.panelsOfPart
                // M [tiles x some outputs] = V [tiles x inputs] · U [inputs x some outputs]
                var product = cnk_brgemm()
                product.a = UnsafePointer(v + plane * inputPlane)
                product.a_row = inner
                product.b = filters + panel * tiles.panelStride + plane * tiles.filterPlane
                product.b_panel = tiles.panelStride
                product.c = m + plane * outputPlane + panel * Self.panel
                product.c_row = outer
                product.rows = count
                product.columns = min(Self.panelsOfPart, tiles.panels - panel) * Self.panel
                product.groups.count = 1
                product.outer.count = 1
                product.middle.count = 1
                product.inner = cnk_axis(count: tiles.source.channels, a: 1, b: Self.panel)
                cnk_multiply(&product)
            }
            threads.forEachBlock(of: count, size: 4) { block in
                tiles.restore(m, block, from: first, plane: outputPlane, into: target, epilogue)
            }
        }
    }

    private func blockTiles(_ tiles: Tiles) -> Int {
        let floats = Self.planes * (tiles.sourceStride + tiles.targetStride)
        // The matrix products work on twelve rows at a time.
        return max(Self.minimumTiles, Self.blockFloats / floats / 12 * 12)
    }

    private func blockCount(_ tiles: Tiles) -> Int { transformedCount(tiles, count: blockTiles(tiles)) }

    /// Floats of a number of transformed tiles, of the source and of the target.
    private func transformedCount(_ tiles: Tiles, count: Int) -> Int {
        Self.planes
            * (Self.plane(count * tiles.sourceStride) + Self.plane(count * tiles.targetStride))
    }

    /// Floats of all tiles that are in work at a time.
    private func tileCount(_ tiles: Tiles, batch: Int, workers: Int) -> Int {
        guard tiles.hasLargeFilters else { return workers * blockCount(tiles) }
        return transformedCount(tiles, count: min(batch * tiles.perImage, Self.tilesForLargeWeights))
    }

    /// The weight gradient's tiles at a time, and the floats of a plane of their inputs and gradients.
    private func chunk(batch: Int) -> (tiles: Int, inputPlane: Int, gradientPlane: Int) {
        let outputStride = Self.padded(geometry.outputChannels)
        let floats = Self.planes * (forwardTiles.sourceStride + outputStride)
        let tiles = min(batch * forwardTiles.perImage, max(128, Self.chunkFloats / floats))
        return (tiles, Self.plane(tiles * forwardTiles.sourceStride), Self.plane(tiles * outputStride))
    }

    /// The distance of planes: a cache line more than their size, since the same number of all planes is written
    /// together, and powers of two would put them all into the same few sets of a cache.
    private static func plane(_ count: Int) -> Int { count + lanes }

    private static func padded(_ channels: Int) -> Int { (channels + panel - 1) / panel * panel }

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
        /// Floats from one transformed tile to the next: whole vectors.
        var sourceStride: Int { (source.channels + lanes - 1) / lanes * lanes }
        var targetStride: Int { padded(target.channels) }
        /// Panels of transformed weights: `[panels][36][inputs][32]`.
        var panels: Int { padded(target.channels) / panel }
        var filterPlane: Int { plane(source.channels * panel) }
        var panelStride: Int { planes * filterPlane }
        var filterCount: Int { panels * panelStride }
        var hasLargeFilters: Bool { filterCount > WinogradConvolution.largeWeights }

        /// Transforms tiles `first + index` of the source into `v`, `[planes][index][source channels]`.
        func transform(
            _ source: UnsafePointer<Float>, _ indices: Range<Int>, from first: Int, into v: UnsafeMutablePointer<Float>,
            plane: Int
        ) {
            for index in indices {
                let tile = tile(first + index)
                cnk_winograd_input(
                    source + tile.image * sourceCount, self.source, tile.row - top, tile.column - left,
                    v + index * sourceStride, plane)
            }
        }

        /// Transforms tiles `first + index` of the target back from `m`, `[planes][index][target channels]`.
        func restore(
            _ m: UnsafePointer<Float>, _ indices: Range<Int>, from first: Int, plane: Int,
            into target: UnsafeMutablePointer<Float>, _ epilogue: cnk_epilogue
        ) {
            withUnsafePointer(to: epilogue) { epilogue in
                for index in indices {
                    let tile = tile(first + index)
                    let origin = tile.image * targetCount
                    cnk_winograd_output(
                        m + index * targetStride, plane, target + origin, self.target, tile.row, tile.column, epilogue,
                        origin)
                }
            }
        }

        /// The image and the top left output of a tile.
        @inline(__always)
        func tile(_ index: Int) -> (image: Int, row: Int, column: Int) {
            let (image, rest) = index.quotientAndRemainder(dividingBy: perImage)
            let (row, column) = rest.quotientAndRemainder(dividingBy: perRow)
            return (image, row * Self.size, column * Self.size)
        }
    }
}
