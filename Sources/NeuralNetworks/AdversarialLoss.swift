import Tensors

/// The two sides of a game between a generator and a discriminator, from the logits D of the latter, which are
/// large for what it takes for data. All losses are means over all logits, scalars.
///
/// ```swift
/// let loss = AdversarialLoss.hinge
/// let (ofData, ofGenerated) = (discriminator(images, context), discriminator(reconstruction, context))
/// let forDiscriminator = (loss.ofData(ofData) + loss.ofGenerated(ofGenerated.detached())) * 0.5
/// let forGenerator = loss.ofGenerator(ofGenerated)
/// ```
///
/// The discriminator minimises ``ofData(_:)`` + ``ofGenerated(_:)``, the generator ``ofGenerator(_:)``. A discriminator
/// that says 0 of everything has the losses of ``ofIgnorance``.
public enum AdversarialLoss: String, Hashable, Sendable, CaseIterable {
  /// max(0, 1 − D(x)) and max(0, 1 + D(x̂)) against −D(x̂) (Lim & Ye 2017).
  case hinge
  /// softplus(−D(x)) and softplus(D(x̂)), the cross-entropies, against softplus(−D(x̂)), whose gradient does not vanish
  /// where the discriminator is sure (Goodfellow et al. 2014, section 3).
  case nonSaturating = "non_saturating"
  /// The same discriminator against its own loss with the other sign, −softplus(D(x̂)) = log(1 − sigmoid(D(x̂)))
  /// (Goodfellow et al. 2014, equation 1).
  case minimax

  /// What the discriminator pays for its logits of data.
  public func ofData(_ logits: Tensor) -> Tensor {
    switch self {
    case .hinge: (1 - logits).relu().mean()
    case .nonSaturating, .minimax: (-logits).softplus().mean()
    }
  }

  /// What the discriminator pays for its logits of what the generator made.
  public func ofGenerated(_ logits: Tensor) -> Tensor {
    switch self {
    case .hinge: (logits + 1).relu().mean()
    case .nonSaturating, .minimax: logits.softplus().mean()
    }
  }

  /// What the generator pays for the logits of what it made.
  public func ofGenerator(_ logits: Tensor) -> Tensor {
    switch self {
    case .hinge: -logits.mean()
    case .nonSaturating: (-logits).softplus().mean()
    case .minimax: -logits.softplus().mean()
    }
  }

  /// What a discriminator that says 0 of everything pays for either kind: 1, or log 2.
  public var ofIgnorance: Float {
    switch self {
    case .hinge: 1
    case .nonSaturating, .minimax: 0.693_147_2
    }
  }
}

extension AdversarialLoss {
  /// ‖∇D(x)‖² of a discriminator at images, without a second derivative: for v with independent standard
  /// normal elements and a small h
  ///
  ///     E_v [(D(x + h v) − D(x − h v))² / 4h²] = ‖∇D(x)‖² + O(h²),
  ///
  /// exactly so where D is linear. Times γ/2 it is the penalty R₁ (Mescheder et al. 2018, equation 9).
  ///
  /// - Parameters:
  ///   - x: images, `[N, …]`.
  ///   - noise: v, of the same shape.
  ///   - step: h.
  ///   - judge: from images to logits, `[N, …]`; D is the mean of those of an image.
  /// - Returns: the mean over images, a scalar.
  public static func squaredGradientNorm(
    at x: Tensor, along noise: Tensor, step: Float, _ judge: (Tensor) -> Tensor
  ) -> Tensor {
    func mean(_ images: Tensor) -> Tensor { judge(images).flattened().mean(axis: 1) }
    let moved = noise * step
    return ((mean(x + moved) - mean(x - moved)) * (0.5 / step)).squared().mean()
  }
}
