import Foundation
import Logging
import Unlearning

extension Console {
    /// Logs how a model will be computed: kernels, memory, and each node's algorithm.
    /// - Parameter work: the passes: their purpose, the gradients that they compute, and their batch size.
    func describe(
        _ model: Model, _ options: RunOptions, _ work: [(name: String, GradientRequest, batch: Int)]
    ) {
        guard logger.logLevel <= .info else { return }
        let workers = options.threadCount ?? ThreadTeam.processorCount
        for (position, (name, request, batch)) in work.enumerated() {
            let plan = ExecutionSummary(
                model: model, batchCapacity: max(1, batch), computing: request,
                // Passes that train nothing run in inference mode: prediction, audits, noise of the presets.
                modes: request.parameters ? [.training] : [.inference], workers: workers,
                algorithms: options.algorithms, precision: options.precision)
            if position == 0 {
                logger.info("\(Self.machine(plan, workers: workers))")
                logger.info("\(Self.nodes(plan))")
            }
            logger.info("\(name): batches of \(batch), \(plan.byteCount >> 20) MiB planned")
        }
    }

    private static func machine(_ plan: ExecutionSummary, workers: Int) -> String {
        let variable = "OPENBLAS_CORETYPE"
        let chosen =
            ProcessInfo.processInfo.environment[variable].map { ", chosen by \(variable)=\($0)" } ?? ""
        let loops = "\(workers) threads; own loops for \(plan.vectorKernels); "
        if plan.precision == .bfloat16 { return loops + "products of bfloat16 for \(plan.bfloat16Kernels)" }
        if plan.usesOwnProducts {
            return loops + "matrix products too, since OpenBLAS's \(plan.matrixKernels) kernels are slower\(chosen)"
        }
        return loops + "matrix products by OpenBLAS's \(plan.matrixKernels) kernels\(chosen)"
    }

    private static func nodes(_ plan: ExecutionSummary) -> String {
        let widths = (
            plan.nodes.map(\.name.asName.width).max() ?? 0, plan.nodes.map(\.operation.width).max() ?? 0,
            plan.nodes.map(\.output.description.width).max() ?? 0
        )
        return plan.nodes.map { node in
            [
                "  " + node.name.asName.padded(to: widths.0), node.operation.padded(to: widths.1),
                node.output.description.padded(to: widths.2), node.algorithm,
            ].joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
