import Foundation
import NeuralGraph

/// The series that a report draws. A list is empty where there was nothing to measure it on.
package struct AuditFigures: Sendable, Codable, Hashable {
    /// Test accuracy of every class.
    package var classAccuracy: [ClassAccuracyFigure] = []
    /// Where test images of each forgotten class are put.
    package var forgottenConfusion: [ConfusionFigure] = []
    /// How scores that membership attacks use are distributed.
    package var membershipScores: [ScoreHistogramFigure] = []
    /// Layer by layer, from input to output.
    package var layers: [LayerFigure] = []
    /// Penultimate features of test images in two dimensions.
    package var embeddings: [EmbeddingFigure] = []
    /// Forget accuracy while the classes are learned again.
    package var relearning: [RelearningCurve] = []
    /// Where the networks look, over sample pictures.
    package var attention: [AttentionFigure] = []

    /// Creates figures without any series.
    package init() {}
}

/// One class's accuracy, 0 to 1.
package struct ClassAccuracyFigure: Sendable, Codable, Hashable {
    /// How a class stands to the forgotten ones.
    package enum Relation: String, Sendable, Codable {
        /// It is one of them.
        case forgotten
        /// The original confuses it with them most.
        case adjacent
        /// Any other class.
        case remote
    }

    /// The class.
    package var index: Int
    /// Its name.
    package var name: String
    /// How it stands to the forgotten classes.
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

/// What share of a forgotten class's test images is put into each class.
package struct ConfusionFigure: Sendable, Codable, Hashable {
    /// The forgotten class.
    package var index: Int
    /// Its name.
    package var name: String
    /// Shares by predicted class, in the order of the classes; they add up to 1.
    package var shares: ByModel<[Double]>

    /// Creates a class's confusion.
    package init(index: Int, name: String, shares: ByModel<[Double]>) {
        self.index = index
        self.name = name
        self.shares = shares
    }
}

/// How a score is distributed over three groups of examples, for one model.
package struct ScoreHistogramFigure: Sendable, Codable, Hashable {
    /// The attack that uses the score.
    package var measure: MeasureIdentifier
    /// What the score is, such as `entropy of the prediction (nats)`.
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

/// What one layer or stage shows. Nil where a number does not apply.
package struct LayerFigure: Sendable, Codable, Hashable {
    /// The node's name.
    package var name: String
    /// ‖weights - original's‖ / ‖original's‖, of the unlearned and the retrained model.
    package var weightDistance: ByModel<Double>
    /// Linear CKA of features with the original's, of the unlearned and the retrained model.
    package var alignment: ByModel<Double>
    /// Recall of the forgotten classes by a linear probe of features.
    package var probeRecall: ByModel<Double>
    /// Recall of the forgotten classes by the nearest class centroid of features.
    package var centroidRecall: ByModel<Double>

    /// Creates a layer's numbers.
    package init(
        name: String, weightDistance: ByModel<Double> = ByModel(), alignment: ByModel<Double> = ByModel(),
        probeRecall: ByModel<Double> = ByModel(), centroidRecall: ByModel<Double> = ByModel()
    ) {
        self.name = name
        self.weightDistance = weightDistance
        self.alignment = alignment
        self.probeRecall = probeRecall
        self.centroidRecall = centroidRecall
    }
}

/// Penultimate features of some test images on two principal components, for one model. The unlearned model's are on the
/// original's components, so that what moved is seen to move; a retrained model's are on its own.
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

/// How one model learns the forgotten classes again.
package struct RelearningCurve: Sendable, Codable, Hashable {
    /// The model.
    package var model: AuditedModel
    /// Which of several retrained models, from 0.
    package var number: Int
    /// Optimizer steps, from 0.
    package var steps: [Int]
    /// Forget accuracy after so many steps, 0 to 1.
    package var accuracies: [Double]
    /// The accuracy at which the class counts as learned again.
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

/// Where the networks look in one picture (Grad-CAM; Selvaraju et al. 2017).
package struct AttentionFigure: Sendable, Codable, Hashable {
    /// The picture.
    package var image: FigureImage
    /// The picture's class.
    package var label: Int
    /// The class that each model puts it into.
    package var predicted: ByModel<Int>
    /// Heat maps in the picture's size, values 0 to 255, one channel.
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
    /// Changes the numbers of one layer, which is put in its place between input and output if it is new.
    /// - Parameter graph: the network that the layer is a node of.
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
