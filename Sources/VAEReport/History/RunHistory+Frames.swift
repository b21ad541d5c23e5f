import VAETraining

extension RunHistory {
  /// Which step a record is of, and what it came to.
  func summary(of frame: Int, units: UnitActivity?) -> String {
    "step \(Numerals.grouped(records[frame].step)) · \(terms(of: frame, units: units))"
  }

  /// What a record came to.
  func terms(of frame: Int, units: UnitActivity?) -> String {
    let record = records[frame]
    let terms = record.heldOut
    var text =
      "epoch \(Numerals.fixed(record.epochs, 2)) · −ELBO "
      + "\(Numerals.short(-terms.elbo)) = distortion \(Numerals.short(terms.distortion)) + rate "
      + Numerals.short(terms.rate)
    if let units { text += " · \(units.activeCounts[frame]) of \(units.count) units active" }
    return text
  }

  /// Whether the prior of the recorded units is the standard normal distribution.
  var isStandardNormal: Bool { records.last?.priorDraws.isEmpty ?? true }

  /// Why there is no cloud of latents; nil where there is one.
  var reasonForNoCloud: String? {
    guard let last = records.last, last.means == nil, last.draws.allSatisfy({ $0 == nil }) else {
      return nil
    }
    if last.codeCounts != nil {
      return
        "Latents are codes, which have no place in a plane; their maps are beside the pictures."
    }
    return last.layerRates.isEmpty
      ? "This model has no latents." : "The latents have too many units to be recorded."
  }
}
