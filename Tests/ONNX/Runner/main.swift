import Foundation
import Unlearning

/// Runs an ONNX file for the scripts beside this folder:
///
///     onnx-runner MODEL.onnx INPUT.safetensors RESULTS.safetensors TRAINED.onnx EXPORTED.onnx
///
/// INPUT has `input` [n, ...] in the file's layout and `weights` [n, classes]. RESULTS get `logits` and
/// `input_gradient` (of sum(weights * logits)) in inference mode, and `trained_logits` after one step of forgetting:
/// descent along the gradient that lowers the first class's score, in training mode. TRAINED is that model written back
/// into its file, EXPORTED the same written anew, without the file.
func run(_ arguments: [String]) throws {
    guard arguments.count == 5 else {
        throw ShapeError("usage", "onnx-runner MODEL INPUT RESULTS TRAINED EXPORTED")
    }
    let model = try Model(contentsOf: URL(fileURLWithPath: arguments[0]))
    let file = try SafetensorsFile(contentsOf: URL(fileURLWithPath: arguments[1]))
    let given = try file.tensor("input")
    let isImage = given.shape.rank == 4 && model.graph.inputShape == [given.shape[2], given.shape[3], given.shape[1]]
    let input = isImage ? given.transposed([0, 2, 3, 1]) : given
    let batch = given.shape[0]

    let executor = Executor(model: model, batchCapacity: batch, computing: .both)
    _ = executor.input.update(fromContentsOf: input.elements)
    executor.forward(batch: batch, mode: .inference)
    let logits = Array(executor.output)
    _ = executor.outputGradient.update(fromContentsOf: try file.tensor("weights").elements)
    executor.backward()
    var gradient = try Tensor(Array(executor.inputGradient), shape: input.shape)
    if isImage { gradient = gradient.transposed([0, 3, 1, 2]) }

    let trained = try forgettingStep(executor, batch: batch, classes: model.classCount)
    _ = executor.input.update(fromContentsOf: input.elements)
    executor.forward(batch: batch, mode: .inference)
    try SafetensorsWriter.write(
        [
            "logits": try Tensor(logits, shape: [batch, model.classCount]), "input_gradient": gradient,
            "trained_logits": try Tensor(Array(executor.output), shape: [batch, model.classCount]),
        ], to: URL(fileURLWithPath: arguments[2]))
    try trained.write(to: URL(fileURLWithPath: arguments[3]))
    var anew = trained
    anew.origin = nil
    try anew.write(to: URL(fileURLWithPath: arguments[4]))
    let count = model.graph.nodes.count
    print("\(count) nodes, \(model.parameterCount) parameters, \(executor.byteCount >> 20) MiB")
}

/// Lowers the first class's score by a step whose length is a thousandth of the parameters'.
func forgettingStep(_ executor: Executor, batch: Int, classes: Int) throws -> Model {
    executor.forward(batch: batch, mode: .training, seed: 1)
    for index in executor.outputGradient.indices {
        executor.outputGradient[index] = index % classes == 0 ? 1 / Float(batch) : 0
    }
    executor.backward()
    let gradients = executor.gradients
    let parameters = executor.parameters
    func norm(_ values: UnsafeMutableBufferPointer<Float>) -> Double {
        values[..<executor.trainableCount].reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    }
    let rate = Float(1e-3 * norm(parameters) / max(norm(gradients), 1e-30))
    for index in 0..<executor.trainableCount { parameters[index] -= rate * gradients[index] }
    return try executor.model()
}

do {
    try run(Array(CommandLine.arguments.dropFirst()))
} catch {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    exit(1)
}
