import VAECore
import VAEEvaluation
import VAEFiles

extension RunPage {
  // MARK: Evaluations

  /// What `evaluate` found.
  var evaluations: String {
    guard !history.evaluations.isEmpty else {
      let factors = history.examples?.factors != nil ? " and disentanglement scores" : ""
      return
        "<p class=\"missing\">The run has not been evaluated. <code>vae-zoo evaluate \(escaped(history.path)) --data "
        + "\(escaped(history.data ?? "DATA"))</code> adds numbers with standard errors\(factors) to the next report.</p>"
    }
    let columns = MetricRegistry.standard.numbers(at: .evaluation).filter { column in
      history.evaluations.contains { column.value(in: $0) != nil }
    }
    let rows = history.evaluations.reversed().map { result in
      [
        escaped(result["split"]?.text ?? "–"), Numerals.grouped(result["step"]?.integer ?? 0),
        Numerals.grouped(result["examples"]?.integer ?? 0),
      ]
        + columns.map { column in
          guard let value = column.value(in: result) else { return "–" }
          let text = Numerals.fixed(value, column.decimals)
          var notes = ""
          if let error = result["\(column.name)_stderr"]?.double {
            notes += " ± \(Numerals.fixed(error, column.decimals))"
          }
          if column.name == NLLMetric.descriptor.name,
            let samples = result[NLLMetric.samplesName]?.integer
          {
            notes += " (K = \(samples))"
          }
          return text + notes
        }
    }
    return markup {
      "<p>In nats per example\(quantity), ± standard errors; the newest first.</p>"
      table(
        caption: "What each evaluation found",
        header: ["split", "step", "examples"] + columns.map(\.title),
        rows: rows)
      classes
      if columns.contains(where: { $0.name == MIGMetric.descriptor.name }) {
        "<p class=\"note\">MIG (mutual information gap), FactorVAE score and DCI compare units with the factors that generated the "
          + "data; each is 1 at best.</p>"
      }
    }
  }

  /// The bound of each class in the newest evaluation that has them; empty where none has.
  private var classes: String {
    let found = history.evaluations.reversed().lazy.compactMap { result -> [JSON]? in
      if case .array(let classes)? = result[ELBOPerClassMetric.descriptor.name] {
        classes
      } else {
        nil
      }
    }.first
    guard let found, !found.isEmpty else { return "" }
    let rows = found.compactMap(\.object).map { item in
      let error = item["elbo_stderr"]?.double.map { " ± \(Numerals.fixed($0, 2))" } ?? ""
      return [
        escaped(item["class"]?.text ?? "–"), Numerals.grouped(item["examples"]?.integer ?? 0),
        (item["elbo"]?.double.map { Numerals.fixed($0, 2) } ?? "–") + error,
      ]
    }
    return markup {
      table(
        caption: "The bound of each class, newest evaluation",
        header: ["class", "examples", "ELBO"], rows: rows)
    }
  }

  /// What the bounds of a conditional model are on, which is not what those of other models are on.
  private var quantity: String {
    history.isConditional ? ", bounds on log p(x|y)" : ""
  }

  // MARK: The run

  /// Command, recipe, versions and timing.
  var facts: String {
    markup {
      if let command = history.sessions.last?["command"]?.text {
        "<p>Made by</p><pre>\(escaped(command))</pre>"
      }
      "<div class=\"table\"><table class=\"facts\"><caption>How it was made</caption><tbody>"
      factRows.map { "<tr><th scope=\"row\">\($0)</th><td>\(escaped($1))</td></tr>" }
      "</tbody></table></div>"
      if history.sessions.count > 1 {
        "<p class=\"note\">The run was continued \(history.sessions.count - 1) time\(history.sessions.count == 2 ? "" : "s"), at steps "
          + history.sessions.dropFirst().map { Numerals.grouped($0["step"]?.integer ?? 0) }
          .joined(separator: ", ") + ".</p>"
      }
      "<details><summary>The recipe</summary><pre>\(escaped(JSON.object(history.recipe).document))</pre></details>"
    }
  }

  private var factRows: [(name: String, value: String)] {
    let session = history.sessions.last ?? JSON.Object()
    var rows: [(name: String, value: String)] = []
    func add(_ name: String, _ value: String?) { if let value { rows.append((name, value)) } }
    add("data", session["data"]?.text)
    add("training examples", session["training_examples"]?.integer.map(Numerals.grouped))
    add("parameters", session["parameters"]?.integer.map(Numerals.grouped))
    for part in ["encoder", "prior", "decoder", "likelihood", "objective"] {
      add(part, Self.summary(history.recipe[part]))
    }
    add("training", Self.summary(history.recipe["training"]))
    add("seed", history.setting("training", "seed")?.line)
    if history.seconds > 0 {
      let steps = history.epochs.last.map { Double($0.step) / history.seconds }
      add(
        "time",
        "\(Numerals.duration(history.seconds)) for \(Numerals.counted(history.epochs.count, "epoch"))"
          + (steps.map { ", \(Numerals.fixed($0, 1)) steps a second" } ?? ""))
    }
    add(
      "computed with",
      session["version"]?.text.map { version in
        "vae-zoo \(version), \(Numerals.counted(session["threads"]?.integer ?? 0, "thread")), \(session["instruction_set"]?.text ?? "–"), "
          + "oneDNN \(session["onednn"]?.text ?? "–")"
      })
    return rows
  }

  /// A part of the recipe on one line.
  static func summary(_ part: JSON?) -> String? {
    guard let members = part?.object?.members else { return nil }
    let name = members.first { $0.name == "name" }?.value.text
    let values = members.filter { $0.name != "name" && $0.name != "seed" }.map {
      "\($0.name) \(plain($0.value))"
    }
    return [name.map { [$0] } ?? [], values].joined().joined(separator: " · ")
  }

  /// A value as `--set` takes it.
  static func plain(_ value: JSON) -> String {
    switch value {
    case .text(let text): text
    case .array(let values): values.map(plain).joined(separator: ",")
    default: value.line
    }
  }
}
