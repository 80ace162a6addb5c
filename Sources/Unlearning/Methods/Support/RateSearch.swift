package import ImageDatasets
package import NeuralGraph

/// Finds a method's learning rate on a small grid, by training images that the method did not see.
///
/// Test images are for the audit alone: a rate that was chosen by them would make it look better than it is.
package struct RateSearch: Sendable {
    /// A rate that was tried.
    package struct Trial: Sendable {
        /// The rate.
        package let learningRate: Double
        /// Accuracy on held-out training images of all classes; nil if the run failed.
        package let accuracy: Accuracy?
        /// Why there is no model, such as diverged training.
        package let failure: String?

        /// Accuracy on the retained classes minus that on the forgotten ones, -1 to 1; nil if the run failed.
        package var score: Double? {
            guard let accuracy, let retained = accuracy.retained, let forgotten = accuracy.forgotten else { return nil }
            return retained - forgotten
        }
    }

    /// What is tuned.
    package var method: any TrainedMethod
    /// The factors of the method's own rate that are tried.
    package var factors: [Double] = [0.0625, 0.25, 1, 4]
    /// Images of each class that the method sees.
    package var samplesPerClass: Int
    /// Images of each class that accuracy is measured on.
    package var heldOutPerClass: Int
    /// Seed and threads.
    package var options: RunOptions

    /// Creates a search.
    package init(
        _ method: any TrainedMethod, samplesPerClass: Int = 1000, heldOutPerClass: Int = 200,
        options: RunOptions = RunOptions()
    ) {
        self.method = method
        self.samplesPerClass = samplesPerClass
        self.heldOutPerClass = heldOutPerClass
        self.options = options
    }

    /// The best of some trials, the one with the lowest rate of equal ones; nil if all failed.
    package static func best(of trials: [Trial]) -> Trial? {
        trials.filter { $0.score != nil }.max { one, other in
            (one.score ?? -1, -one.learningRate) < (other.score ?? -1, -other.learningRate)
        }
    }

    /// Tries every rate.
    /// - Parameters:
    ///   - images: what the original was trained on.
    ///   - progress: called after every step, with the rate.
    /// - Throws: ``UnlearningError`` if the request is wrong or no images are left to measure on, and
    ///   `CancellationError`.
    package func run(
        _ model: Model, forgetting classes: Set<Int>, images: any ImageDataset,
        progress: (@Sendable (Double, RunProgress) -> Void)? = nil
    ) async throws -> [Trial] {
        let earlier = model.metadata.forgottenClasses.subtracting(classes)
        let heldOut = try model.prepare(heldOut(of: images, without: earlier))
        let data = try MethodImages(
            for: method, from: images, forgetting: classes, after: earlier, samplesPerClass: samplesPerClass,
            seed: options.seed)
        var trials: [Trial] = []
        for factor in factors {
            var method = method
            method.training.learningRate *= factor
            let rate = method.training.learningRate
            // A guarded run would not be at this rate.
            let unlearner = Unlearner(
                model: model, retaining: data.retain, forgetting: data.forget, validation: heldOut, method: method,
                options: options
            ).unguarded
            var handler: ProgressHandler?
            if let progress { handler = { progress(rate, $0) } }
            do {
                let outcome = try await unlearner.forget(classes: classes, progress: handler)
                trials.append(Trial(learningRate: rate, accuracy: outcome.accuracyAfter, failure: nil))
            } catch let error as UnlearningError where error.code == .diverged || error.code == .notFinite {
                trials.append(Trial(learningRate: rate, accuracy: nil, failure: error.description))
            }
        }
        return trials
    }

    /// Training images of every class that the method does not see.
    private func heldOut(of images: any ImageDataset, without classes: Set<Int>) throws -> ImageSubset {
        let shown = try images.samples(perClass: samplesPerClass, excluding: classes, seed: options.seed)
        // Of more images from the same seed, the first are the same.
        let more = try images.samples(
            perClass: samplesPerClass + heldOutPerClass, excluding: classes, seed: options.seed)
        let left = Set(more.indices).subtracting(shown.indices)
        let found = Set(left.map { images.label(at: $0) })
        if let label = images.classNames.indices.first(where: { !classes.contains($0) && !found.contains($0) }) {
            throw UnlearningError.invalidSetting(
                name: "samples per class", value: "\(samplesPerClass)",
                remedy:
                    "class \(images.classNames.className(label)) has no more images, and tuning measures on others; "
                    + "use fewer")
        }
        return try ImageSubset(images, indices: left.sorted())
    }
}
