// Functions are named and documented in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CVAE
import Communication
import Messages
import VAEZoo

@c @implementation
public func vae_trainer_create(
  _ model: OpaquePointer?, _ data: OpaquePointer?, _ options: UnsafePointer<vae_trainer_options>?,
  _ trainer: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let place = Result { try result(trainer, "trainer") }
    let options = try options.map { try value(of: $0, "options") } ?? vae_trainer_options()
    let communicator: any Communicator =
      try options.communicator.map { WatchedCommunicator.watching(try CallerCommunicator($0)) }
      ?? SoloCommunicator()
    var hasMet = false
    do {
      let result = try place.get()
      let model = try ModelObject.object(model)
      let data = try Handles.object(data, DataObject.self, "data").source
      let settings = try trainingSettings(options)
      let run = try options.run.map { try path($0, "options->run") }
      let checkpointDir = try options.checkpoint_dir.map { try path($0, "options->checkpoint_dir") }
      guard checkpointDir == nil || run != nil else {
        throw CallError(
          VAE_ERR_INVALID_ARGUMENT,
          "options->checkpoint_dir is for the checkpoints of a run, but options->run is NULL"
        )
      }
      let existing = try existingRun(options.existing_run)
      try model.prepareTraining { trained, start in
        var said: [Message] = []
        let session = try TrainingSession.together(communicator) {
          hasMet = true
          var recipe = trained.recipe
          try Known.registry.apply(settings, to: &recipe)
          let training = TrainingOptions(recipe.training)
          let data = try trained.fitting(data, options: training)
          try MemoryNeed.check(rows: min(training.batchSize, data.train.count), of: data.shape)
          // Those of the data were said when these were opened.
          said = data.notices
          return try TrainingSession(
            model: trained.model, recipe: recipe, data: data, run: run, existing: existing,
            checkpointDir: checkpointDir, start: start, communicator: communicator)
        }
        var made: OpaquePointer?
        do {
          try communicator.allSucceeding {
            for notice in session.notices where !said.contains(notice) {
              try Log.say(notice.description)
            }
            made = try Handles.make(TrainerObject(model: model, session: session))
          }
        } catch {
          Handles.release(made, TrainerObject.self)
          throw error
        }
        result.pointee = made
        return session
      }
    } catch {
      // The others meet where the session is made, and hear there of what was refused before.
      guard hasMet else { return try communicator.allSucceeding { throw error } }
      throw error
    }
  }
}

/// The settings of options, the named ones after the listed ones.
private func trainingSettings(
  _ options: vae_trainer_options
) throws(CallError) -> [(key: String, value: String)] {
  var all = try settings(options.settings, options.setting_count)
  for setting in all where !Registry.concernsTraining(setting.key) {
    throw CallError(
      VAE_ERR_RECIPE,
      "\(setting.key) is no hyper-parameter of training, whose names begin with \"training.\"; others "
        + "belong to vae_model_create")
  }
  if options.epochs != 0 { all.append((key: "training.epochs", value: "\(options.epochs)")) }
  if options.batch_size != 0 {
    all.append((key: "training.batch_size", value: "\(options.batch_size)"))
  }
  if options.learning_rate != 0 {
    all.append((key: "training.learning_rate", value: "\(options.learning_rate)"))
  }
  return all + seedSetting(options.seed)
}

private func existingRun(_ code: Int32) throws(CallError) -> TrainingRequest.Existing {
  switch code {
  case VAE_RUN_REFUSE: return .refuse
  case VAE_RUN_RESUME: return .resume
  case VAE_RUN_REPLACE: return .replace
  default:
    throw CallError(
      VAE_ERR_INVALID_ARGUMENT,
      "options->existing_run is \(code), which is none of VAE_RUN_REFUSE, _RESUME and _REPLACE")
  }
}

// MARK: - Training

@c @implementation
public func vae_trainer_step(
  _ trainer: OpaquePointer?, _ bound: UnsafeMutablePointer<vae_bound>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try bound.map { try StructResult($0, "bound") }
    let trainer = try Handles.object(trainer, TrainerObject.self, "trainer")
    try trainer.train { _, session in
      try checkUnfinished(session)
      let terms = try trainer.observing { try session.advance(observe: $0) }
      result?.give(vae_bound(terms))
    }
  }
}

@c @implementation
public func vae_trainer_step_on(
  _ trainer: OpaquePointer?, _ batch: UnsafePointer<vae_tensor>?,
  _ bound: UnsafeMutablePointer<vae_bound>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  vae_trainer_step_on_with(trainer, batch, nil, bound, error)
}

@c @implementation
public func vae_trainer_step_on_with(
  _ trainer: OpaquePointer?, _ batch: UnsafePointer<vae_tensor>?,
  _ options: UnsafePointer<vae_call_options>?, _ bound: UnsafeMutablePointer<vae_bound>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try bound.map { try StructResult($0, "bound") }
    let trainer = try Handles.object(trainer, TrainerObject.self, "trainer")
    let watch = try CallWatch(options, "options", takesCondition: true)
    try trainer.train { trained, session in
      try checkUnfinished(session)
      let images = try trained.pricedImages(
        batch, "batch", condition: watch.condition, options: session.trainer.options)
      try MemoryNeed.check(rows: images.count, of: images.shape)
      let indices = Array(0..<images.count)
      let values = images.batch(indices)
      let condition = try trained.model.condition.map {
        try KnownConditions(of: images, $0).rows(indices)
      }
      let terms = try trainer.observing {
        try session.advance(on: values, condition: condition, observe: $0)
      }
      result?.give(vae_bound(terms))
    }
  }
}

private func checkUnfinished(_ session: TrainingSession) throws(CallError) {
  guard !session.trainer.isFinished else {
    guard !session.trainer.hasStoppedEarly else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "this trainer has stopped early, by its patience; make another one to train on")
    }
    let epochs = session.trainer.options.epochs
    let done = epochs == 1 ? "the only epoch" : "all \(Count.text(epochs)) epochs"
    throw CallError(
      VAE_ERR_INVALID_ARGUMENT,
      "\(done) of this trainer \(epochs == 1 ? "is" : "are") done; make another one to train on")
  }
}

@c @implementation
public func vae_trainer_fit(
  _ trainer: OpaquePointer?, _ callback: vae_progress_callback?,
  _ user_data: UnsafeMutableRawPointer?, _ token: OpaquePointer?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let trainer = try Handles.object(trainer, TrainerObject.self, "trainer")
    let token = try CancelTokenObject.token(token)
    try trainer.train { _, session in
      // Where others train too, they stop after the same update.
      if session.trainer.communicator.size == 1 { try token.check() }
      // Of this call alone: the caller's token is for the caller to set.
      let stop = CancelToken()
      let outcome = try trainer.observing(stop: stop) { observe in
        try session.train(cancel: stop, observe: observe)
      } told: { event throws(CallError) in
        if let callback,
          let progress = vae_progress(event, totalSteps: session.trainer.totalSteps)
        {
          let goesOn = try trainer.runCallback { () throws(CallError) in
            try Callback.tell(callback, progress, user_data)
          }
          if !goesOn { stop.cancel() }
        }
        if token.isCancelled { stop.cancel() }
      }
      if outcome == .cancelled { throw CallError.cancelled }
    }
  }
}

// MARK: - What it found

@c @implementation
public func vae_trainer_metric(
  _ trainer: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafeMutablePointer<Double>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try required(value, "value")
    result.pointee = 0
    let trainer = try Handles.object(trainer, TrainerObject.self, "trainer")
    let name = try required(name, "name")
    guard let value = trainer.measured.withLock({ $0[name] }) else {
      throw missingMetric(name, hint: "those of an epoch begin with the first that is finished")
    }
    result.pointee = value
  }
}

@c @implementation
public func vae_trainer_record_json(
  _ trainer: OpaquePointer?, _ buffer: UnsafeMutablePointer<CChar>?, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try TextResult(buffer, capacity, needed)
    let trainer = try Handles.object(trainer, TrainerObject.self, "trainer")
    result.give(trainer.measured.withLock { $0.record })
  }
}

@c @implementation
public func vae_trainer_free(_ trainer: OpaquePointer?) {
  Handles.release(trainer, TrainerObject.self)
}
