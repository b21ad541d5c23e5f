extension EpochRecord {
  /// A layer whose mean rate is below this, in nats, says nothing of use.
  private static let deadLayerRate = 0.01

  /// What in this record calls for attention, in plain words with a remedy.
  var notices: [String] {
    if let valid, !valid.elbo.isFinite {
      return [
        "held-out numbers after epoch \(epoch) are not finite: the model is about to diverge; try a smaller "
          + "--learning-rate or --set training.clip_norm=100"
      ]
    }
    if let layerRates, let level = layerRates.firstIndex(where: { $0 < Self.deadLayerRate }) {
      return [
        "level \(level + 1) of \(layerRates.count) carries no information after epoch \(epoch) (rate "
          + "\((layerRates[level] * 1e4).rounded() / 1e4) nats): the levels below it say everything; try --set "
          + "warmup_epochs=\(max(5, epoch)) or --set free_bits=0.5, or fewer levels"
      ]
    }
    if let codeUsage, codeUsage.isCollapsed {
      return [
        "only \(codeUsage.used) of \(codeUsage.counts.count) codes are in use after epoch \(epoch) (perplexity "
          + "\((codeUsage.perplexity * 10).rounded() / 10)): the codebook has died; try --set "
          + "prior.restart_threshold=0.1, fewer --set prior.codes, or a smaller learning rate"
      ]
    }
    guard let activeUnits, let unitRates, !unitRates.isEmpty else { return [] }
    if activeUnits == 0 {
      return [
        "no latent unit carries information after epoch \(epoch) (posterior collapse): the decoder ignores the latents; "
          + "try --set warmup_epochs=\(max(5, epoch)), a smaller beta or a smaller learning rate"
      ]
    }
    return []
  }
}
