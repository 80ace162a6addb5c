package import Foundation
package import Unlearning

/// A folder of retrained models, from which later audits take them instead of training again.
///
/// A model's file is named after a digest of all that decides it: the untrained network with its seed, the training, the
/// classes that are left out, every image with its label, and this package's version.
package struct RetrainedModelStore: Sendable {
    /// The folder, which is created if it is missing.
    package let folder: URL

    /// Names a folder.
    package init(folder: URL) {
        self.folder = folder
    }

    /// Takes a model for each of a retraining's seeds from the folder, or trains and keeps it.
    /// - Parameters:
    ///   - retraining: the training and the seeds.
    ///   - original: gives architecture and metadata.
    ///   - classes: the classes to leave out.
    ///   - images: what the original was trained on.
    ///   - progress: called after every step of a training.
    /// - Returns: the models, and the number of those that were in the folder already.
    /// - Throws: as ``Unlearning/Retraining``, and `FileError` if the folder cannot be written.
    package func models(
        _ retraining: Retraining, like original: Model, classes: Set<Int>, images: any ImageDataset,
        progress: ProgressHandler?
    ) async throws -> (models: [Model], found: Int) {
        let processes = retraining.options.processes
        do {
            if processes?.isFirst ?? true {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            }
        } catch {
            throw FileError(folder.path, "cannot be created: \(error.localizedDescription); give another folder")
        }
        let content = try Self.digest(of: images)
        let files = try retraining.seeds.map {
            try file(for: retraining, seed: $0, original: original, classes: classes, images: content)
        }
        var models = [Model?](repeating: nil, count: files.count)
        for (place, file) in files.enumerated() {
            // The first of several processes looks, since not all may see its folder.
            let isFirst = processes?.isFirst ?? true
            let own = isFirst ? try? Model(safetensors: file, like: original) : nil
            models[place] = try own.shared(in: processes, like: original)
        }
        var missing = models.indices.filter { models[$0] == nil }
        let found = models.count - missing.count
        // A file is written as soon as its model is trained, so that an interrupted audit does not lose it.
        while !missing.isEmpty {
            var next = retraining
            next.seeds = missing.map { retraining.seeds[$0] }
            let places = missing.prefix(next.modelsAtOnce)
            next.seeds = places.map { retraining.seeds[$0] }
            let trained = try await next.models(like: original, classes: classes, images: images, progress: progress)
            for (place, model) in zip(places, trained) {
                try model.writeSafetensors(to: files[place])
                models[place] = model
            }
            missing.removeFirst(places.count)
        }
        return (models.compactMap(\.self), found)
    }

    private func file(
        for retraining: Retraining, seed: UInt64, original: Model, classes: Set<Int>, images: SHA256Digest
    ) throws -> URL {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let training = try encoder.encode(retraining.training ?? original.usualTraining.configuration)
        let augmentation = retraining.augmentation ?? original.usualTraining.augmentation
        let untrained = Model(graph: original.graph, metadata: original.metadata, seed: seed)
        let parts = [
            PackageVersion.current, try SHA256Digest(of: untrained).text, "\(seed)",
            String(decoding: training, as: UTF8.self), "\(String(describing: augmentation))", "\(classes.sorted())",
            images.text,
        ]
        let digest = SHA256Digest(of: Data(parts.joined(separator: "\n").utf8))
        return folder.appendingPathComponent("retrained-\(digest.text.prefix(32)).safetensors")
    }

    /// Computes the digest of all images with their labels.
    private static func digest(of images: any ImageDataset) throws -> SHA256Digest {
        var digests = Data("\(images.count) \(images.imageShape)\n".utf8)
        var pixels = [UInt8](repeating: 0, count: images.imageShape.count)
        var piece = Data()
        for index in 0..<images.count {
            var room = pixels.mutableSpan
            try images.readPixels(at: index, into: &room)
            piece.append(contentsOf: pixels)
            piece.append(Data("\(images.label(at: index))\n".utf8))
            if piece.count > 1 << 20 || index == images.count - 1 {
                digests.append(Data(SHA256Digest(of: piece).text.utf8))
                piece.removeAll(keepingCapacity: true)
            }
        }
        return SHA256Digest(of: digests)
    }
}
