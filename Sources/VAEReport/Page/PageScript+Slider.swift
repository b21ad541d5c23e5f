extension PageScript {
  /// What moves all panels to a moment: the slider, its button, and small clouds.
  static let slider = #"""
    const clouds = [];
    const panels = runs.map((run) => {
      const part = (name) => find((run.prefix || '') + name);
      const cloud = cloudOf(run, part);
      if (cloud) clouds.push(cloud);
      return [
        cloud && cloud.show, barsOf(part, 'units', run.units), barsOf(part, 'levels', run.levels),
        histogramOf(part, 'means', run.means), histogramOf(part, 'deviations', run.deviations),
        usageOf(part, run.codes), picturesOf(run, part), traversalsOf(run, part),
        run.prefix && captionsOf(run),
      ].filter(Boolean);
    });
    chooseClouds(clouds);

    let moment = last;
    const slider = find('slider');
    const output = find('moment');
    const marks = [...document.querySelectorAll('.moments button')];
    const show = (next) => {
      moment = Math.max(0, Math.min(last, next));
      const { text, at } = moments[moment];
      slider.value = String(moment);
      slider.setAttribute('aria-valuetext', text);
      output.textContent = text;
      find('moment-printed').textContent = text;
      panels.forEach((list, number) => { for (const panel of list) panel(at[number]); });
      for (const mark of marks) {
        mark.setAttribute('aria-pressed', String(Number(mark.dataset.frame) === moment));
      }
      keep.set('frame', moment === last ? '' : String(moment));
    };
    slider.addEventListener('input', () => { stop(); show(Number(slider.value)); });
    for (const mark of marks) {
      mark.addEventListener('click', () => { stop(); show(Number(mark.dataset.frame)); });
    }
    const play = find('play');
    let timer = 0;
    const stop = () => {
      clearInterval(timer);
      timer = 0;
      play.textContent = '▶ Play';
    };
    play.addEventListener('click', () => {
      if (timer) return stop();
      if (moment === last) show(0);
      play.textContent = '❚❚ Pause';
      timer = setInterval(() => moment < last ? show(moment + 1) : stop(), 320);
    });
    addEventListener('beforeprint', stop);
    const kept = keep.get('frame');
    show(kept ? Number(kept) : last);
    """#
}
