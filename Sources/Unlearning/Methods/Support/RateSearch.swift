package import ImageDatasets
package import NeuralGraph

/// Finds a method's learning rate, or other settings, on a small grid by training images that the method did not see.
///
/// Test images are for the audit alone: settings that were chosen by them would make it look better than it is.
package struct RateSearch: Sendable {
    /// Settings that were tried.
    package struct Trial: Sendable {
        /// The method with the settings.
        package let method: any UnlearningMethod
        /// Accuracy on held-out training images of all classes; nil if the run failed.
        package let accuracy: Accuracy?
        /// Why there is no model, such as diverged training.
        package let failure: String?

        /// The rate; nil for a method that has not one rate.
        package var learningRate: Double? { (method as? any TrainedMethod)?.training.learningRate }

        /// Accuracy on the retained classes minus that on the forgotten ones, -1 to 1; nil if the run failed.
        package var score: Double? {
            guard let accuracy, let retained = accuracy.retained, let forgotten = accuracy.forgotten else { return nil }
            return retained - forgotten
        }
    }

    /// The method with each of the settings that are tried.
    package var candidates: [any UnlearningMethod]
    /// Images of each class that the method sees.
    package var samplesPerClass: Int
    /// Images of each class that accuracy is measured on.
    package var heldOutPerClass: Int
    /// Seed and threads.
    package var options: RunOptions

    /// Creates a search over settings.
    package init(
        trying candidates: [any UnlearningMethod], samplesPerClass: Int = 1000, heldOutPerClass: Int = 200,
        options: RunOptions = RunOptions()
    ) {
        self.candidates = candidates
        self.samplesPerClass = samplesPerClass
        self.heldOutPerClass = heldOutPerClass
        self.options = options
    }

    /// Creates a search over multiples of a method's rate, in rising order.
    package init(
        _ method: any TrainedMethod, factors: [Double] = [0.0625, 0.25, 1, 4], samplesPerClass: Int = 1000,
        heldOutPerClass: Int = 200, options: RunOptions = RunOptions()
    ) {
        let rates = factors.map { factor in
            var method = method
            method.training.learningRate *= factor
            return method as any UnlearningMethod
        }
        self.init(
            trying: rates, samplesPerClass: samplesPerClass, heldOutPerClass: heldOutPerClass, options: options)
    }

    /// The position of the best of some trials, the first of equal ones; nil if all failed.
    package static func best(of trials: [Trial]) -> Int? {
        var best: (position: Int, score: Double)?
        for (position, trial) in trials.enumerated() {
            guard let score = trial.score, best.map({ score > $0.score }) ?? true else { continue }
            best = (position, score)
        }
        return best?.position
    }

    /// Tries all settings.
    /// - Parameters:
    ///   - images: what the original was trained on.
    ///   - progress: called after every step, with the position among the candidates.
    /// - Throws: ``UnlearningError`` if the request is wrong or no images are left to measure on, and
    ///   `CancellationError`.
    package func run(
        _ model: Model, forgetting classes: Set<Int>, images: any ImageDataset,
        progress: (@Sendable (Int, RunProgress) -> Void)? = nil
    ) async throws -> [Trial] {
        let earlier = model.metadata.forgottenClasses.subtracting(classes)
        let heldOut = try model.prepare(heldOut(of: images, without: earlier))
        var trials: [Trial] = []
        for (position, method) in candidates.enumerated() {
            let data = try MethodImages(
                for: method, from: images, forgetting: classes, after: earlier, samplesPerClass: samplesPerClass,
                seed: options.seed)
            // A guarded run would not be at these settings.
            let unlearner = Unlearner(
                model: model, retaining: data.retain, forgetting: data.forget, validation: heldOut, method: method,
                options: options
            ).unguarded
            var handler: ProgressHandler?
            if let progress { handler = { progress(position, $0) } }
            do {
                let outcome = try await unlearner.forget(classes: classes, progress: handler)
                trials.append(Trial(method: method, accuracy: outcome.accuracyAfter, failure: nil))
            } catch let error as UnlearningError where Self.failures.contains(error.code) {
                trials.append(Trial(method: method, accuracy: nil, failure: error.description))
            }
        }
        return trials
    }

    /// What settings may end in. Dampening finds out from the data that it cannot select anything.
    private static let failures: Set<UnlearningError.Code> = [.diverged, .notFinite, .invalidSetting]

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
