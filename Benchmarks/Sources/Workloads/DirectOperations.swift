import Unlearning

extension Graph {
    /// Floating-point operations of one example's passes: two for each multiply-add of its convolutions, linear
    /// layers and attentions, as their definitions have them. Taps in the padding count, what an algorithm saves does not matter, and
    /// everything but products is left out, so that a piece of work has the same number on both sides.
    ///
    /// The forward pass counts once, a layer's input gradient once more if something upstream wants a gradient, and its
    /// weight gradient once more if parameters do.
    func directOperations(computing request: GradientRequest = .nothing) -> Double {
        var wantsGradient = [request.input]
        var sum = 0.0
        for node in nodes {
            let ofInput = node.inputs.contains { wantsGradient[$0.index] }
            let ofWeights = request.parameters && !node.parameters.isEmpty
            // Both factors of attention's products come from its input.
            let ofBoth = node.operation.kind == "Attention" && ofInput
            sum += node.productOperations * (1 + (ofInput ? 1 : 0) + (ofWeights || ofBoth ? 1 : 0))
            wantsGradient.append(ofInput || ofWeights)
        }
        return sum
    }
}

extension Graph.Node {
    /// Floating-point operations of the definition's products in a forward pass.
    fileprivate var productOperations: Double {
        switch operation.kind {
        case "Convolution", "Linear":
            // [outputs, inputs / groups, height, width] or [outputs, inputs]
            return 2 * Double(shape.count) * Double(parameters[0].shape.dimensions.dropFirst().reduce(1, *))
        case "Attention":
            // q kᵀ and p v
            return 4 * Double(shape.count) * Double(inputShapes.last?[0] ?? 0)
        default:
            return 0
        }
    }
}

extension UNSIR.Configuration {
    /// Floating-point operations of a whole run, counted likewise; epochs as they are set.
    func directOperations(_ graph: Graph, classes: Int, retained: Int) -> Double {
        let noiseImages = Double(classes * noise.imagesPerClass)
        let shown = noiseImages * Double(impair.noiseRepetitions) + Double(retained)
        let trained = Double(impair.training.epochs) * shown + Double(repair.epochs * retained)
        return noiseImages * Double(noise.steps) * graph.directOperations(computing: .input)
            + trained * graph.directOperations(computing: .parameters)
    }
}
