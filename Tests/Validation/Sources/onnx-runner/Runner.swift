import Foundation
import ModelInterchange
import Unlearning

/// Runs ONNX and Core ML models for the scripts beside this folder:
///
///     onnx-runner check MODEL INPUT.safetensors RESULTS.safetensors TRAINED EXPORTED [STATE.safetensors]
///     onnx-runner forget MODEL RETAIN.safetensors CLASS FORGOTTEN [STATE.safetensors]
///     onnx-runner convert MODEL OUTPUT
///     onnx-runner logits FOLDER...
///
/// `check`: INPUT has `input` [n, ...] in the file's layout and `weights` [n, classes]. RESULTS get `logits` and
/// `input_gradient` (of sum(weights * logits)) in inference mode, and `trained_logits` after one step of forgetting:
/// descent along the gradient that lowers the first class's score, in training mode. TRAINED is that model written back
/// into its file, EXPORTED the same written anew, without the file, STATE its tensors.
///
/// `logits`: runs `model.onnx` of each folder on `input` of its `input.safetensors`, and writes `logits` to
/// `logits.safetensors` there, or what is wrong to `error.txt`.
///
/// `forget`: makes the model forget a class, given pictures `input` [n, C, H, W] of others and their `labels` [n].
func run(_ arguments: [String]) async throws {
    switch (arguments.first, arguments.count) {
    case ("check", 6...7): try check(Array(arguments.dropFirst()))
    case ("logits", 2...): for folder in arguments.dropFirst() { try logits(URL(fileURLWithPath: folder)) }
    case ("forget", 5...6): try await forget(Array(arguments.dropFirst()))
    case ("convert", 3):
        try Model(contentsOf: URL(fileURLWithPath: arguments[1])).write(to: URL(fileURLWithPath: arguments[2]))
    default: throw ShapeError("usage", "onnx-runner check|forget|convert|logits ARGUMENTS; see its source")
    }
}

/// Few pictures and large ones: small batches, few noise images, a small rate.
func unlearner(_ arguments: [String]) throws -> Unlearner {
    let model = try Model(contentsOf: URL(fileURLWithPath: arguments[0]))
    let file = try SafetensorsFile(contentsOf: URL(fileURLWithPath: arguments[1]))
    let retain = try TensorExamples(
        file.tensor("input").transposed([0, 2, 3, 1]), labels: file.tensor("labels").elements.map { Int($0) })
    var configuration = UNSIR.Configuration.paperSafe
    configuration.noise.imagesPerClass = 8
    configuration.impair.noiseRepetitions = 2
    configuration.impair.training.batchSize = 16
    configuration.impair.training.learningRate = 3e-4
    configuration.repair.batchSize = 16
    configuration.repair.minimumSteps = 8
    configuration.repair.learningRate = 1e-4
    return Unlearner(model: model, retaining: retain, method: .unsir(configuration))
}

func forget(_ arguments: [String]) async throws {
    guard let forgotten = Int(arguments[2]) else { throw ShapeError("class", "'\(arguments[2])' is no number") }
    let outcome = try await unlearner(arguments).forget(classes: [forgotten])
    try finish(outcome, path: arguments[3])
    if arguments.count > 4 { try writeState(of: outcome.model, to: arguments[4]) }
}

/// Writes a model's tensors by their names.
func writeState(of model: Model, to path: String) throws {
    try SafetensorsWriter.write(model.stateDictionary, to: URL(fileURLWithPath: path))
}

func finish(_ outcome: UnlearningOutcome, path: String) throws {
    try outcome.model.write(to: URL(fileURLWithPath: path))
    print(outcome.summary)
}

/// A file's input in the model's order, and whether that differs from the file's.
func input(of model: Model, from url: URL) throws -> (input: Tensor, isImage: Bool) {
    let given = try SafetensorsFile(contentsOf: url).tensor("input")
    let isImage = given.shape.rank == 4 && model.graph.inputShape == [given.shape[2], given.shape[3], given.shape[1]]
    return (isImage ? try given.transposed([0, 2, 3, 1]) : given, isImage)
}

func logits(_ folder: URL) throws {
    do {
        let model = try Model(contentsOf: folder.appendingPathComponent("model.onnx"))
        let (input, _) = try input(of: model, from: folder.appendingPathComponent("input.safetensors"))
        let batch = input.shape[0]
        let executor = Executor(model: model, batchCapacity: batch, computing: .nothing, modes: [.inference])
        _ = executor.input.update(fromContentsOf: input.elements)
        try executor.forward(batch: batch, mode: .inference)
        try SafetensorsWriter.write(
            ["logits": try Tensor(Array(executor.output), shape: [batch, model.classCount])],
            to: folder.appendingPathComponent("logits.safetensors"))
    } catch {
        try Data("\(error)".utf8).write(to: folder.appendingPathComponent("error.txt"))
    }
}

func check(_ arguments: [String]) throws {
    let model = try Model(contentsOf: URL(fileURLWithPath: arguments[0]))
    let file = try SafetensorsFile(contentsOf: URL(fileURLWithPath: arguments[1]))
    let given = try file.tensor("input")
    let (input, isImage) = try input(of: model, from: URL(fileURLWithPath: arguments[1]))
    let batch = given.shape[0]

    let executor = Executor(model: model, batchCapacity: batch, computing: .both)
    _ = executor.input.update(fromContentsOf: input.elements)
    try executor.forward(batch: batch, mode: .inference)
    let logits = Array(executor.output)
    _ = executor.outputGradient.update(fromContentsOf: try file.tensor("weights").elements)
    try executor.backward()
    var gradient = try Tensor(Array(executor.inputGradient), shape: input.shape)
    if isImage { gradient = try gradient.transposed([0, 3, 1, 2]) }

    let trained = try forgettingStep(executor, batch: batch, classes: model.classCount)
    _ = executor.input.update(fromContentsOf: input.elements)
    try executor.forward(batch: batch, mode: .inference)
    try SafetensorsWriter.write(
        [
            "logits": try Tensor(logits, shape: [batch, model.classCount]), "input_gradient": gradient,
            "trained_logits": try Tensor(Array(executor.output), shape: [batch, model.classCount]),
        ], to: URL(fileURLWithPath: arguments[2]))
    try trained.write(to: URL(fileURLWithPath: arguments[3]))
    var anew = trained
    anew.origin = nil
    try anew.write(to: URL(fileURLWithPath: arguments[4]))
    if arguments.count > 5 { try writeState(of: trained, to: arguments[5]) }
    let count = model.graph.nodes.count
    print("\(count) nodes, \(model.parameterCount) parameters, \(executor.byteCount >> 20) MiB")
}

/// Lowers the first class's score by a step whose length is a thousandth of the parameters'.
func forgettingStep(_ executor: Executor, batch: Int, classes: Int) throws -> Model {
    try executor.forward(batch: batch, mode: .training, seed: 1)
    for index in executor.outputGradient.indices {
        executor.outputGradient[index] = index % classes == 0 ? 1 / Float(batch) : 0
    }
    try executor.backward()
    let gradients = executor.gradients
    let parameters = executor.parameters
    func norm(_ values: UnsafeMutableBufferPointer<Float>) -> Double {
        values[..<executor.trainableCount].reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    }
    let rate = Float(1e-3 * norm(parameters) / max(norm(gradients), 1e-30))
    for index in 0..<executor.trainableCount { parameters[index] -= rate * gradients[index] }
    return try executor.model()
}

@main
enum Runner {
    static func main() async {
        do {
            try await run(Array(CommandLine.arguments.dropFirst()))
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(1)
        }
    }
}
