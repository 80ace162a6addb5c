import CNeuralKernels

/// How products are cut into tasks, and where their images are rounded.
extension GatheredProducts {
    /// How a batch is cut into tasks. The result's bits do not depend on it.
    struct Tasks {
        let images: Int
        /// Whether a task has one row of the targets, or whole ones.
        let takesRows: Bool
        /// Panels of weights.
        let panels: Int
        /// Whether each task rounds its images itself.
        let roundsImages: Bool
    }

    /// What suits a kernel. Products of images that lie far apart are of several images each.
    private struct Limits {
        /// Images of a task that has some rows: few where weights stay in cache, many elsewhere, fewer where there would not be two
        /// tasks for each worker.
        let few: Int
        let many: Int
        let least: Int
        /// Whole images: at least as many where they are a product's rows, and in steps of so many.
        let leastWhole: Int
        let step: Int
        /// Words of all weights and of rounded images that stay in a second-level cache.
        let weightWords: Int
        let imageWords: Int

        /// Second-level caches have 512 KiB or more.
        static let ofVectors = Limits(
            few: 24, many: 96, least: 24, leastWhole: 24, step: 12, weightWords: 64 * 1024, imageWords: 48 * 1024)
        /// Two tiles of 16 rows are multiplied at a time; processors with tiles have caches of 2 MiB.
        static let ofTiles = Limits(
            few: 64, many: 128, least: 32, leastWhole: 16, step: 2, weightWords: 256 * 1024, imageWords: 192 * 1024)
    }

    /// Floats of packed weights that one task works with: what stays in a second-level cache beside its images.
    private static let groupFloats = 128 * 1024
    /// Images of a batch from which tasks of many of them are enough.
    private static let fullBatch = 6144

    private var limits: Limits {
        precision == .bfloat16 && Int(cnk_bfloat16_speed()) == CNK_TILES ? .ofTiles : .ofVectors
    }

    func tasks(batch: Int, workers: Int) -> Tasks {
        if let images = wholeImages(batch: batch, workers: workers) {
            return Tasks(images: images, takesRows: false, panels: panels, roundsImages: true)
        }
        let groupPanels = evenPart(of: panels, most: max(1, Self.groupFloats / max(1, panelStride)), step: 1)
        let groups = (panels + groupPanels - 1) / groupPanels
        let takesFew = packedCount <= Self.groupFloats && !(precision == .float32 && batch >= Self.fullBatch)
        let limits = limits
        var images = takesFew ? limits.few : limits.many
        while images > limits.least, groups * ((batch + images - 1) / images) * rows.bases.count < 2 * workers {
            images /= 2
        }
        return Tasks(
            images: images, takesRows: true, panels: groupPanels,
            roundsImages: precision == .bfloat16 && sourcePositions == 1)
    }

    func groups(of tasks: Tasks) -> Int { (panels + tasks.panels - 1) / tasks.panels }

    /// How many images a task takes whole, with all weights, so that it rounds them where it reads them; nil if it takes rows of
    /// them. Products of pairs are so fast that it costs more to write rounded images to memory and to read them again.
    private func wholeImages(batch: Int, workers: Int) -> Int? {
        let limits = limits
        guard precision == .bfloat16, sourcePositions > 1, packedCount <= limits.weightWords else { return nil }
        let images = min(limits.imageWords / imageWords, batch / (2 * workers))
        guard images >= leastWholeImages else { return nil }
        return images >= limits.step ? images / limits.step * limits.step : images
    }

    private var leastWholeImages: Int {
        columnSpans.contains { $0.count >= Self.enoughRows } ? 1 : limits.leastWhole
    }

    /// Words of rounded images. Fewer images than a batch has are rounded first where they are too few to be taken whole.
    func scratchCount(batch: Int, workers: Int) -> Int {
        guard precision == .bfloat16 else { return 0 }
        let tasks = tasks(batch: batch, workers: workers)
        guard tasks.roundsImages else { return batch * imageWords }
        let first = sourcePositions > 1 ? min(batch, leastWholeImages * 2 * workers - 1) : 0
        return max(workers * tasks.images, first) * imageWords
    }

    /// An odd number of cache lines, at least as long: images that are rows of a product would else be read from a few sets of a
    /// cache.
    static func withoutAliasing(_ words: Int) -> Int {
        let line = MemoryPlan.alignment
        return ((words + line - 1) / line | 1) * line
    }

    func round(_ source: UnsafePointer<Float>, images: Int, into pairs: UnsafeMutablePointer<Float>) {
        for image in 0..<images {
            cnk_pair_columns(
                source + image * sourcePositions * sourceChannels, sourcePositions, sourceChannels,
                pairs + image * imageWords)
        }
    }

    /// The same on all workers.
    func round(
        _ source: UnsafePointer<Float>, batch: Int, into pairs: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        let rows = sourcePositions / sourceColumns
        let (rowCount, rowWords) = (sourceColumns * sourceChannels, sourceColumns * sourceWords)
        threads.forEachChunk(of: batch * rows, floatsEach: rowCount) { part in
            for index in part {
                let (image, row) = index.quotientAndRemainder(dividingBy: rows)
                cnk_pair_columns(
                    source + index * rowCount, sourceColumns, sourceChannels,
                    pairs + image * imageWords + row * rowWords)
            }
        }
    }
}
