package import Foundation
import NeuralGraph

/// The series that a report draws; a list is empty without data for it.
package struct AuditFigures: Sendable, Codable, Hashable {
    /// Test accuracy of every class.
    package var classAccuracy: [ClassAccuracyFigure] = []
    /// The classes predicted for test images of each forgotten class.
    package var forgottenConfusion: [ConfusionFigure] = []
    /// The distributions of the scores that membership attacks use.
    package var membershipScores: [ScoreHistogramFigure] = []
    /// The comparison of layers, from input to output.
    package var layers: [LayerFigure] = []
    /// Penultimate features of test images in two dimensions.
    package var embeddings: [EmbeddingFigure] = []
    /// Forget accuracy while relearning.
    package var relearning: [RelearningCurve] = []
    /// Heat maps of where the networks look.
    package var attention: [AttentionFigure] = []

    /// Creates figures without any series.
    package init() {}
}

/// One class's accuracy, 0 to 1.
package struct ClassAccuracyFigure: Sendable, Codable, Hashable {
    /// The relation of a class to the forgotten ones.
    package enum Relation: String, Sendable, Codable {
        /// A forgotten class.
        case forgotten
        /// One of the retained classes that the original confuses most with forgotten ones.
        case adjacent
        /// Any other retained class.
        case remote
    }

    /// The class.
    package var index: Int
    /// Its name.
    package var name: String
    /// The relation to the forgotten classes.
    package var relation: Relation
    /// Test accuracy.
    package var accuracy: ByModel<Double>

    /// Creates a class's accuracy.
    package init(index: Int, name: String, relation: Relation, accuracy: ByModel<Double>) {
        self.index = index
        self.name = name
        self.relation = relation
        self.accuracy = accuracy
    }
}

/// The shares of classes predicted for a forgotten class's test images.
package struct ConfusionFigure: Sendable, Codable, Hashable {
    /// The forgotten class.
    package var index: Int
    /// Its name.
    package var name: String
    /// The shares in the order of the classes; they add up to 1.
    package var shares: ByModel<[Double]>

    /// Creates a class's confusion.
    package init(index: Int, name: String, shares: ByModel<[Double]>) {
        self.index = index
        self.name = name
        self.shares = shares
    }
}

/// One model's distribution of a score over three groups of examples.
package struct ScoreHistogramFigure: Sendable, Codable, Hashable {
    /// The attack that uses the score.
    package var measure: MeasureIdentifier
    /// The score, such as `entropy of the prediction (nats)`.
    package var score: String
    /// The model.
    package var model: AuditedModel
    /// Borders of the bins, one more than bins, in rising order.
    package var edges: [Double]
    /// Shares of retained training examples by bin.
    package var members: [Double]
    /// Shares of retained test examples by bin.
    package var nonMembers: [Double]
    /// Shares of forgotten training examples by bin.
    package var forgotten: [Double]

    /// Creates a histogram.
    package init(
        measure: MeasureIdentifier, score: String, model: AuditedModel, edges: [Double], members: [Double],
        nonMembers: [Double], forgotten: [Double]
    ) {
        self.measure = measure
        self.score = score
        self.model = model
        self.edges = edges
        self.members = members
        self.nonMembers = nonMembers
        self.forgotten = forgotten
    }
}

/// The numbers of one layer or stage; nil where one does not apply.
package struct LayerFigure: Sendable, Codable, Hashable {
    /// The node's name.
    package var name: String
    /// ‖weights - original's‖ / ‖original's‖, of the unlearned and the retrained model.
    package var weightDistance: ByModel<Double>
    /// Linear CKA of features with the original's, of the unlearned and the retrained model.
    package var alignment: ByModel<Double>
    /// Recall of the forgotten classes by a linear probe of features.
    package var probeRecall: ByModel<Double>
    /// The same probe's accuracy on test images of the retained classes; nil in records that have none.
    package var retainedProbeAccuracy: ByModel<Double>?
    /// Recall of the forgotten classes by the nearest class centroid of features.
    package var centroidRecall: ByModel<Double>

    /// Creates a layer's numbers.
    package init(
        name: String, weightDistance: ByModel<Double> = ByModel(), alignment: ByModel<Double> = ByModel(),
        probeRecall: ByModel<Double> = ByModel(), retainedProbeAccuracy: ByModel<Double>? = nil,
        centroidRecall: ByModel<Double> = ByModel()
    ) {
        self.name = name
        self.weightDistance = weightDistance
        self.alignment = alignment
        self.probeRecall = probeRecall
        self.retainedProbeAccuracy = retainedProbeAccuracy
        self.centroidRecall = centroidRecall
    }
}

/// One model's penultimate features of some test images on two principal components.
///
/// The unlearned model's are on the original's components, so that changes are visible; a retrained model has its own.
package struct EmbeddingFigure: Sendable, Codable, Hashable {
    /// The model.
    package var model: AuditedModel
    /// The first component of each image.
    package var x: [Double]
    /// The second component of each image.
    package var y: [Double]
    /// The class of each image.
    package var labels: [Int]
    /// The share of this model's variance that each of the two components explains.
    package var explainedVariance: [Double]

    /// Creates an embedding.
    package init(model: AuditedModel, x: [Double], y: [Double], labels: [Int], explainedVariance: [Double]) {
        self.model = model
        self.x = x
        self.y = y
        self.labels = labels
        self.explainedVariance = explainedVariance
    }
}

/// One model's forget accuracy while relearning.
package struct RelearningCurve: Sendable, Codable, Hashable {
    /// The model.
    package var model: AuditedModel
    /// The number of the retrained model, from 0.
    package var number: Int
    /// Optimizer steps, from 0.
    package var steps: [Int]
    /// Forget accuracy after these steps, 0 to 1.
    package var accuracies: [Double]
    /// The accuracy at which the classes count as learned again.
    package var target: Double

    /// Creates a curve.
    package init(model: AuditedModel, number: Int, steps: [Int], accuracies: [Double], target: Double) {
        self.model = model
        self.number = number
        self.steps = steps
        self.accuracies = accuracies
        self.target = target
    }
}

/// A picture as bytes.
package struct FigureImage: Sendable, Codable, Hashable {
    /// Columns.
    package var width: Int
    /// Rows.
    package var height: Int
    /// 1 for gray, 3 for red, green and blue.
    package var channels: Int
    /// Rows from the top, channels last; Base64 in JSON.
    package var pixels: Data

    /// Creates a picture.
    package init(width: Int, height: Int, channels: Int, pixels: Data) {
        self.width = width
        self.height = height
        self.channels = channels
        self.pixels = pixels
    }
}

/// Heat maps of where the networks look in one picture (Grad-CAM; Selvaraju et al. 2017).
package struct AttentionFigure: Sendable, Codable, Hashable {
    /// The picture.
    package var image: FigureImage
    /// The picture's class.
    package var label: Int
    /// The class that each model predicts.
    package var predicted: ByModel<Int>
    /// The heat maps in the picture's size, values 0 to 255, one channel.
    package var heat: ByModel<FigureImage>

    /// Creates a picture's maps.
    package init(image: FigureImage, label: Int, predicted: ByModel<Int>, heat: ByModel<FigureImage>) {
        self.image = image
        self.label = label
        self.predicted = predicted
        self.heat = heat
    }
}

extension AuditFigures {
    /// Changes the numbers of one layer; a new layer is inserted in the order of the network.
    /// - Parameter graph: the network of the layer.
    mutating func updateLayer(_ name: String, of graph: Graph, _ change: (inout LayerFigure) -> Void) {
        if let index = layers.firstIndex(where: { $0.name == name }) {
            change(&layers[index])
            return
        }
        let order = Dictionary(graph.nodes.enumerated().map { ($1.name, $0) }) { first, _ in first }
        let place = order[name] ?? graph.nodes.count
        var layer = LayerFigure(name: name)
        change(&layer)
        let next = layers.firstIndex { (order[$0.name] ?? graph.nodes.count) > place }
        layers.insert(layer, at: next ?? layers.count)
    }
}
