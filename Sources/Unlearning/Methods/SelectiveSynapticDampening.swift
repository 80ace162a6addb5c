import ImageDatasets
package import NeuralGraph

/// Dampens the weights that matter much more for the forget data than for all data, without training.
///
/// With the importance F of a weight, the mean over batches of the squared gradient: where `F_forget > α F_all`, the weight
/// is multiplied by `min(λ F_all / F_forget, 1)`. All data are the retain and the forget data that are given.
///
/// Since the forget data are part of all data, F_all is at least their share s times F_forget: with `α ≥ 1 / s` nothing
/// can be selected, and the method refuses. The published α of 10 is for classes of CIFAR-100 and of faces, with shares of
/// 1 %, and for forgetting single examples.
///
/// Source: Foster, Schoepf and Brintrup, "Fast Machine Unlearning Without Retraining Through Selective Synaptic Dampening"
/// (AAAI 2024, arXiv 2308.07707), equations 7 and 8; α 10 and λ 1 as published for ResNet-18 on CIFAR, batches of 64
/// examples in the order of their classes.
public struct SelectiveSynapticDampening: BuiltInMethod, Hashable {
    /// The ratio α of importance above which a weight is dampened, above 0.
    package var selection: Double
    /// The factor λ of dampening, above 0; smaller dampens more.
    package var dampening: Double
    /// Examples whose mean gradient counts as one, 1 to 1,000,000; 1 is the diagonal of the empirical Fisher information.
    package var examplesPerGradient: Int
    /// The largest number of examples of each kind that are used, 1 or more.
    package var exampleLimit: Int

    /// Creates the method.
    public init(
        selection: Double = 10, dampening: Double = 1, examplesPerGradient: Int = 64, exampleLimit: Int = 100_000
    ) {
        self.selection = selection
        self.dampening = dampening
        self.examplesPerGradient = examplesPerGradient
        self.exampleLimit = exampleLimit
    }

    package var traits: MethodTraits {
        MethodTraits(
            "ssd", summary: "Shrinks weights that matter far more for forget data than for all data; no training",
            requirements: [.retainData, .forgetData], supportsSamples: true)
    }

    package func check() throws {
        try Setting.check("selection", selection, isAbove: 0)
        try Setting.check("dampening", dampening, isAbove: 0)
        try Setting.check("examples a gradient", examplesPerGradient, isIn: 1...1_000_000)
        try Setting.check("example limit", exampleLimit, isIn: 1...100_000_000)
    }

    package func costs(of request: UnlearningRequest) -> [Double] {
        [request.retainedCount, request.forgottenCount].map { 3 * Double(min(exampleLimit, $0)) }
    }

    package func gentler(by divisor: Double, for model: Model) -> (any UnlearningMethod)? {
        var method = self
        method.dampening *= divisor
        return method
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        let (forget, retain) = (try request.forgotten(), try request.retained())
        let share = try shareOfForgetData(retained: retain.count, forgotten: forget.count)
        func importance(_ examples: any ExampleSource, _ stream: String) throws -> [String: Tensor] {
            // A batch of one class has larger gradients than a mixed one, so the order of examples matters.
            let order = examples.labels.enumerated().sorted { ($0.element, $0.offset) < ($1.element, $1.offset) }
            return try session.phase(.importance) {
                try GradientStatistics(
                    quantity: .square, examplesPerGradient: examplesPerGradient, limit: exampleLimit,
                    stream: "\(name).\(stream)"
                ).mean(of: request.model, over: ExampleSubset(examples, indices: order.map(\.offset)), session)
            }
        }
        let kept = try importance(retain, "retain")
        let forgotten = try importance(forget, "forget")
        return try session.phase(.forgetting) {
            let model = try dampened(request.model, kept: kept, forgotten: forgotten, share: share)
            try session.finished(1, of: 1, in: .forgetting)
            return model
        }
    }

    /// The share of the forget data in the gradients of all data.
    /// - Throws: ``UnlearningError`` if the share is so large that no weight can be selected.
    private func shareOfForgetData(retained: Int, forgotten: Int) throws -> Double {
        func gradients(_ count: Int) -> Double {
            (Double(min(count, exampleLimit)) / Double(examplesPerGradient)).rounded(.up)
        }
        let share = gradients(forgotten) / (gradients(forgotten) + gradients(retained))
        guard selection * share < 1 else {
            throw UnlearningError.invalidSetting(
                name: "selection", value: selection.formattedShortly,
                remedy: "the forget data are \((100 * share).formattedShortly) % of all data, so no weight can matter "
                    + "\((1 / share).formattedShortly) times as much for them as for all; use less than that, or give more "
                    + "retain data")
        }
        return share
    }

    private func dampened(
        _ model: Model, kept: [String: Tensor], forgotten: [String: Tensor], share: Double
    ) throws -> Model {
        var changed: [String: Tensor] = [:]
        var (selected, largest) = (0, 0.0)
        for (key, parameter) in model.parameters {
            guard let kept = kept[key], let forgotten = forgotten[key] else { continue }
            var new = parameter
            for index in 0..<parameter.count {
                let special = Double(forgotten[index])
                let common = share * special + (1 - share) * Double(kept[index])
                if common > 0 { largest = max(largest, special / common) }
                guard special > selection * common else { continue }
                new[index] *= Float(min(dampening * common / special, 1))
                selected += 1
            }
            changed[key] = new
        }
        guard selected > 0 else {
            throw UnlearningError.invalidSetting(
                name: "selection", value: selection.formattedShortly,
                remedy:
                    "no weight matters that many times as much for the forget data as for all; the largest ratio is "
                    + "\(largest.formattedShortly), so use less than that")
        }
        return try model.replacing(changed)
    }
}
