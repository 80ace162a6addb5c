import NeuralGraph
import Foundation
let stem = CommandLine.arguments[1], batch = Int(CommandLine.arguments[2])!, w = Int(CommandLine.arguments[3])!
let arch: any Architecture = stem == "allcnn" ? AllCNN() : ResNet18(stem: ResNet18.Stem(rawValue: stem)!)
print(Executor.matrixKernels)
let model = Model(graph: try arch.graph(inputShape: [32,32,3], classes: 10), seed: 1)
for req in [GradientRequest.parameters, .input, .nothing] {
let ex = Executor(model: model, batchCapacity: batch, computing: req, threads: ThreadTeam(workers: w))
var r = SeededRandom(seed: 3)
for i in ex.input.indices { ex.input[i] = Float(r.normal()) }
print(ex.byteCount/1_048_576, "MiB")
if req == .parameters { for n in ex.nodeDescriptions { print(n.name, n.operation, n.algorithm, n.output) } }
for i in 0..<6 {
let t = ContinuousClock.now
ex.forward(batch: batch, mode: req == .parameters ? .training : .inference, seed: UInt64(i))
let t2 = ContinuousClock.now
if req != .nothing {
for i in ex.outputGradient.indices { ex.outputGradient[i] = 0.01*Float(i % 7 - 3) }
ex.backward() }
print(t2 - t, ContinuousClock.now - t2)
}
}
