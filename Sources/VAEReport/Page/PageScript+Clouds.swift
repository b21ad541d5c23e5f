extension PageScript {
  /// The clouds of latents, and what chooses among their views and colours.
  static let clouds = #"""
    const cloudOf = (run, part) => {
      const picture = part('cloud');
      if (!picture) return null;
      const dots = [...picture.querySelectorAll('circle.dot')];
      const priorGroup = picture.querySelector('.priors');
      const rings = picture.querySelector('.rings');
      for (const view of run.views) {
        view.points = new Int16Array(bytes(view.points).buffer);
        view.prior = view.prior ? new Int16Array(bytes(view.prior).buffer) : null;
      }
      for (const coloring of run.colorings) coloring.classes = bytes(coloring.classes);
      let view = run.views[0];
      let coloring = run.colorings[0];
      let frame = run.frames.length - 1;
      const move = (dot, points, place) => {
        const x = points[place], y = points[place + 1];
        dot.style.display = x === -32768 ? 'none' : '';
        dot.setAttribute('cx', (x / 32767).toFixed(4));
        dot.setAttribute('cy', (-y / 32767).toFixed(4));
      };
      const show = (next) => {
        frame = next;
        const start = frame * dots.length * 2;
        dots.forEach((dot, number) => move(dot, view.points, start + number * 2));
        if (view.prior) {
          const count = view.prior.length / run.frames.length;
          [...priorGroup.children].forEach((dot, number) =>
            move(dot, view.prior, frame * count + number * 2));
        }
      };
      return {
        part, show,
        views: run.views,
        colorings: run.colorings,
        look(place) {
          view = run.views[place];
          const count = view.prior ? view.prior.length / run.frames.length / 2 : 0;
          priorGroup.replaceChildren(...Array.from({ length: count }, () => {
            const dot = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
            dot.setAttribute('r', '.011');
            dot.setAttribute('class', 'prior');
            return dot;
          }));
          rings.style.display = view.prior ? 'none' : '';
          [...rings.children].forEach((ring) =>
            ring.setAttribute('r', String(Number(ring.dataset.radius) / view.extent)));
          const note = part('view-note');
          if (note) note.textContent = view.note;
          part('axis-x').textContent = view.axes[0];
          part('axis-y').textContent = view.axes[1];
          show(frame);
        },
        paint(place) {
          coloring = run.colorings[place];
          dots.forEach((dot, number) => {
            dot.setAttribute('class', 'dot ' + coloring.colors[coloring.classes[number]]);
          });
        },
        focus(level) {
          dots.forEach((dot, number) =>
            dot.classList.toggle('faint', level >= 0 && coloring.classes[number] !== level));
        },
      };
    };

    // A key of colours, and the clouds that it is the key of.
    const keyOf = (key, clouds) => {
      const focus = (level) => {
        keep.set(key.id, level < 0 ? '' : String(level));
        for (const button of key.querySelectorAll('button')) {
          button.setAttribute('aria-pressed', String(Number(button.dataset.level) === level));
        }
        for (const cloud of clouds) cloud.focus(level);
      };
      return {
        paint(place) {
          for (const cloud of clouds) cloud.paint(place);
          const coloring = clouds[0].colorings[place];
          key.replaceChildren(...coloring.names.map((name, level) => {
            const button = document.createElement('button');
            button.type = 'button';
            button.dataset.level = String(level);
            button.setAttribute('aria-pressed', 'false');
            button.innerHTML = '<svg viewBox="0 0 10 10" aria-hidden="true"><circle cx="5" cy="5" r="5"/></svg>';
            button.querySelector('circle').setAttribute('class', coloring.colors[level]);
            button.append(name);
            button.addEventListener('click', () =>
              focus(button.getAttribute('aria-pressed') === 'true' ? -1 : level));
            return button;
          }));
          const level = keep.get(key.id);
          if (level && Number(level) < coloring.names.length) focus(Number(level));
        },
        forget() { keep.set(key.id, ''); },
      };
    };

    const chooseClouds = (clouds) => {
      if (!clouds.length) return;
      // What was chosen stays so when the page is loaded anew, as far as it is still there.
      const chosen = (box, name) => {
        const kept = Number(keep.get(name) || 0);
        if (box && kept < box.options.length) box.selectedIndex = kept;
        return box ? box.selectedIndex : 0;
      };
      const viewBox = find('view');
      if (viewBox) viewBox.addEventListener('change', () => {
        keep.set('view', String(viewBox.selectedIndex));
        for (const cloud of clouds) cloud.look(viewBox.selectedIndex);
      });
      const keys = find('key')
        ? [keyOf(find('key'), clouds)] : clouds.map((cloud) => keyOf(cloud.part('key'), [cloud]));
      const colorBox = find('coloring');
      if (colorBox) colorBox.addEventListener('change', () => {
        keep.set('coloring', String(colorBox.selectedIndex));
        for (const key of keys) {
          key.forget();
          key.paint(colorBox.selectedIndex);
        }
      });
      const coloring = chosen(colorBox, 'coloring');
      for (const key of keys) key.paint(coloring);
      const view = chosen(viewBox, 'view');
      for (const cloud of clouds) cloud.look(view);
    };
    """#
}
