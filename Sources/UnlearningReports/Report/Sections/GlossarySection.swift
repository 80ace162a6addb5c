extension AuditReport {
    private static let glossary: [(name: String, value: String)] = [
        ("class", "one of the categories that the model sorts images into"),
        ("original", "the model before forgetting"),
        ("unlearned", "the model after forgetting, which is audited"),
        ("retrained", "a model trained from the start without the forgotten classes: the target of every comparison"),
        ("forgotten, retained classes", "those that were to be forgotten, and all others"),
        ("training, test images", "images that the original learned from, and images that no model has seen"),
        ("measure", "one figure of this audit"),
        ("gap", "the unlearned model's figure minus the mean of the retrained models'"),
        ("interval", "where a figure would be with another sample of images, in 95 of 100 cases"),
        (
            "limit",
            "how far a figure may be from the retrained models' before it counts; it follows from how much retrained models "
                + "differ"
        ),
        ("pass", "within the limits, with enough evidence"),
        ("leak", "beyond a limit: the model still holds something of what was to be forgotten"),
        (
            "over-forgotten",
            "beyond a limit on the other side: what was removed shows, or other classes suffer"
        ),
        ("incomplete", "nothing beyond a limit, but not enough evidence"),
        ("membership", "whether an image was among those the model learned from"),
        ("features", "the numbers inside the network from which its last layer computes the answer"),
        (
            "recognition",
            "the share of the forgotten classes' images that get their class, less the share of other images that get it "
                + "too"
        ),
        (
            "head share",
            "how much of the lost recognition returns with the original's last layer, or with its bias alone"
        ),
        ("probe", "a simple classifier that tries to read the class from these features"),
        ("points", "percentage points"),
    ]

    /// Adds the words of the report.
    func addGlossary(to page: inout Page) {
        page.section("glossary", "Words", "The words of this report.") { page in
            page.facts(Self.glossary)
        }
    }
}
