extension PageScript {
  /// Bars, histograms and pictures: each is null where the page has none of a run, or a function
  /// that shows a record of it.
  static let panels = #"""
    const barsOf = (part, id, values) => {
      const picture = part(id);
      if (!picture || !values) return null;
      return (frame) => {
        picture.querySelectorAll('rect.bar').forEach((bar, number) => {
          const height = Math.max(0.8, Math.min(1, values.rates[frame][number] / values.top) * values.height);
          bar.setAttribute('y', (values.floor - height).toFixed(1));
          bar.setAttribute('height', height.toFixed(1));
          bar.classList.toggle('off', values.active[frame][number] !== '1');
        });
        part(id + '-text').textContent = values.texts[frame];
      };
    };

    const histogramOf = (part, id, frames) => {
      const path = part(id);
      if (!path || !frames) return null;
      const { left, width, floor, height } = data.bars;
      return (frame) => {
        const counts = frames[frame];
        const step = width / counts.length;
        path.setAttribute('d', 'M' + left + ' ' + floor + counts.map((count) =>
          'V' + (floor - count / 100 * height).toFixed(1) + 'h' + step.toFixed(3)).join('') + 'V' + floor + 'Z');
      };
    };

    const usageOf = (part, codes) => {
      const bars = codes && histogramOf(part, 'usage', codes.frames);
      return bars && ((frame) => {
        bars(frame);
        part('usage-text').textContent = codes.texts[frame];
      });
    };

    // The last picture at or before a record.
    const pictured = (frames, frame) => {
      let place = 0;
      frames.forEach((number, index) => { if (number <= frame) place = index; });
      return place;
    };

    // The last picture stands in the page only.
    const complete = (list, image) => { if (image) list[list.length - 1] = image.src; };

    const picturesOf = (run, part) => {
      if (!run.pictures) return null;
      for (const [kind, list] of Object.entries(run.pictures.uris)) complete(list, part(kind));
      return (frame) => showPictures(run, part, frame);
    };

    const showPictures = (run, part, frame) => {
      const place = pictured(run.pictures.frames, frame);
      const shown = run.frames[run.pictures.frames[place]];
      for (const [kind, list] of Object.entries(run.pictures.uris)) {
        const image = part(kind);
        if (!image) continue;
        if (image.src !== list[place]) image.src = list[place];
        image.alt = image.dataset.alt + ' after ' + shown.step + ' steps';
      }
      part('picture-step').textContent = 'after ' + shown.step + ' steps';
    };

    const traversalsOf = (run, part) => {
      if (!run.traversals) return null;
      complete(run.traversals.uris, part('walk-picture'));
      return (frame) => showTraversals(run, part, frame);
    };

    const showTraversals = (run, part, frame) => {
      const place = pictured(run.traversals.frames, frame);
      const image = part('walk-picture');
      if (image.src !== run.traversals.uris[place]) image.src = run.traversals.uris[place];
      part('walk-step').textContent = 'after ' + run.frames[run.traversals.frames[place]].step + ' steps';
      part('walk-labels').replaceChildren(...run.traversals.labels[place].map((lines) => {
        const item = document.createElement('li');
        item.append(...lines.map((line) => {
          const part = document.createElement('span');
          part.textContent = line;
          return part;
        }));
        return item;
      }));
    };

    // What each panel of a page about several runs says of the record that it shows.
    const captionsOf = (run) => {
      const steps = [...document.querySelectorAll('[data-step="' + run.prefix + '"]')];
      const texts = [...document.querySelectorAll('[data-text="' + run.prefix + '"]')];
      return (frame) => {
        for (const step of steps) step.textContent = 'step ' + run.frames[frame].step;
        for (const text of texts) text.textContent = run.frames[frame].text;
      };
    };
    """#
}
