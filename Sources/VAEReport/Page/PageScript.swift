/// The script of all pages: moves what the page already shows of the last record to other records.
enum PageScript {
  static let text = #"""
    (() => {
      'use strict';
      const root = document.documentElement;
      root.classList.add('js');
      const find = (id) => document.getElementById(id);
      const keep = {
        get(name) { try { return sessionStorage.getItem(location.pathname + name); } catch { return null; } },
        set(name, value) { try { sessionStorage.setItem(location.pathname + name, value); } catch { /* not kept */ } },
      };

      if ('live' in root.dataset) {
        const box = find('reload');
        if (keep.get('reload') === 'no') box.checked = false;
        box.addEventListener('change', () => keep.set('reload', box.checked ? 'yes' : 'no'));
        setInterval(() => {
          if (!box.checked || document.hidden) return;
          keep.set('scroll', String(scrollY));
          location.reload();
        }, 15000);
        const place = keep.get('scroll');
        if (place) scrollTo(0, Number(place));
      }

      // On paper everything is open.
      let opened = [];
      addEventListener('beforeprint', () => {
        opened = [...document.querySelectorAll('details:not([open])')];
        for (const part of opened) part.open = true;
      });
      addEventListener('afterprint', () => { for (const part of opened) part.open = false; });

      const source = find('data');
      if (!source) return;
      const data = JSON.parse(source.textContent);
      const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      const last = data.frames.length - 1;
      let frame = last;

      // The cloud of latents.
      const cloud = find('cloud');
      let showCloud = () => {};
      if (cloud) {
        const dots = [...cloud.querySelectorAll('circle.dot')];
        const priorGroup = cloud.querySelector('.priors');
        const rings = cloud.querySelector('.rings');
        for (const view of data.views) {
          view.points = new Int16Array(bytes(view.points).buffer);
          view.prior = view.prior ? new Int16Array(bytes(view.prior).buffer) : null;
        }
        for (const coloring of data.colorings) coloring.classes = bytes(coloring.classes);
        let view = data.views[0];
        let coloring = data.colorings[0];
        const move = (dot, points, place) => {
          const x = points[place], y = points[place + 1];
          dot.style.display = x === -32768 ? 'none' : '';
          dot.setAttribute('cx', (x / 32767).toFixed(4));
          dot.setAttribute('cy', (-y / 32767).toFixed(4));
        };
        showCloud = () => {
          const start = frame * dots.length * 2;
          dots.forEach((dot, number) => move(dot, view.points, start + number * 2));
          if (view.prior) {
            const count = view.prior.length / data.frames.length;
            [...priorGroup.children].forEach((dot, number) =>
              move(dot, view.prior, frame * count + number * 2));
          }
        };
        const chooseView = () => {
          const count = view.prior ? view.prior.length / data.frames.length / 2 : 0;
          priorGroup.replaceChildren(...Array.from({ length: count }, () => {
            const dot = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
            dot.setAttribute('r', '.011');
            dot.setAttribute('class', 'prior');
            return dot;
          }));
          rings.style.display = view.prior ? 'none' : '';
          [...rings.children].forEach((ring) =>
            ring.setAttribute('r', String(Number(ring.dataset.radius) / view.extent)));
          find('view-note').textContent = view.note;
          find('axis-x').textContent = view.axes[0];
          find('axis-y').textContent = view.axes[1];
          showCloud();
        };
        const key = find('key');
        const focus = (level) => {
          keep.set('class', level < 0 ? '' : String(level));
          for (const button of key.querySelectorAll('button')) {
            button.setAttribute('aria-pressed', String(Number(button.dataset.level) === level));
          }
          dots.forEach((dot, number) =>
            dot.classList.toggle('faint', level >= 0 && coloring.classes[number] !== level));
        };
        const paint = () => {
          dots.forEach((dot, number) => {
            dot.setAttribute('class', 'dot ' + coloring.colors[coloring.classes[number]]);
          });
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
        };
        const viewBox = find('view');
        // What was chosen stays so when the page is loaded anew, as far as it is still there.
        const choose = (box, name) => {
          const kept = Number(keep.get(name) || 0);
          if (box && kept < box.options.length) box.selectedIndex = kept;
          return box ? box.selectedIndex : 0;
        };
        if (viewBox) viewBox.addEventListener('change', () => {
          view = data.views[viewBox.selectedIndex];
          keep.set('view', String(viewBox.selectedIndex));
          chooseView();
        });
        view = data.views[choose(viewBox, 'view')];
        const colorBox = find('coloring');
        if (colorBox) colorBox.addEventListener('change', () => {
          coloring = data.colorings[colorBox.selectedIndex];
          keep.set('coloring', String(colorBox.selectedIndex));
          keep.set('class', '');
          paint();
        });
        coloring = data.colorings[choose(colorBox, 'coloring')];
        if (coloring) {
          paint();
          const level = keep.get('class');
          if (level && Number(level) < coloring.names.length) focus(Number(level));
        }
        chooseView();
      }

      // Bars and histograms.
      const units = find('units');
      const showUnits = () => {
        if (!units) return;
        units.querySelectorAll('rect.bar').forEach((bar, number) => {
          const rate = data.units.rates[frame][number];
          const height = Math.max(0.8, Math.min(1, rate / data.units.top) * data.units.height);
          bar.setAttribute('y', (data.units.floor - height).toFixed(1));
          bar.setAttribute('height', height.toFixed(1));
          bar.classList.toggle('off', data.units.active[frame][number] !== '1');
        });
        find('unit-text').textContent = data.units.texts[frame];
      };
      const histogram = (id, frames) => {
        const path = find(id);
        if (!path) return;
        const { left, width, floor, height } = data.bars;
        const counts = frames[frame];
        const step = width / counts.length;
        path.setAttribute('d', 'M' + left + ' ' + floor + counts.map((count) =>
          'V' + (floor - count / 100 * height).toFixed(1) + 'h' + step.toFixed(3)).join('') + 'V' + floor + 'Z');
      };
      const showPictures = () => {
        if (!data.pictures) return;
        let place = 0;
        data.pictures.frames.forEach((number, index) => { if (number <= frame) place = index; });
        const shown = data.frames[data.pictures.frames[place]];
        for (const [kind, list] of Object.entries(data.pictures.uris)) {
          const image = find(kind);
          if (!image) continue;
          if (image.src !== list[place]) image.src = list[place];
          image.alt = image.dataset.alt + ' after ' + shown.step + ' steps';
        }
        const text = find('picture-step');
        if (text) text.textContent = 'after ' + shown.step + ' steps';
      };

      const showTraversals = () => {
        if (!data.traversals) return;
        let place = 0;
        data.traversals.frames.forEach((number, index) => { if (number <= frame) place = index; });
        const image = find('walk-picture');
        if (image.src !== data.traversals.uris[place]) image.src = data.traversals.uris[place];
        find('walk-step').textContent = 'after ' + data.frames[data.traversals.frames[place]].step + ' steps';
        find('walk-labels').replaceChildren(...data.traversals.labels[place].map((lines) => {
          const item = document.createElement('li');
          item.append(...lines.map((line) => {
            const part = document.createElement('span');
            part.textContent = line;
            return part;
          }));
          return item;
        }));
      };

      const slider = find('slider');
      const output = find('moment');
      const marks = [...document.querySelectorAll('.moments button')];
      const show = (next) => {
        frame = Math.max(0, Math.min(last, next));
        slider.value = String(frame);
        slider.setAttribute('aria-valuetext', data.frames[frame].text);
        output.textContent = data.frames[frame].text;
        find('moment-printed').textContent = data.frames[frame].text;
        showCloud();
        showUnits();
        if (data.means) histogram('means', data.means);
        if (data.deviations) histogram('deviations', data.deviations);
        if (data.codes) {
          histogram('usage', data.codes);
          find('usage-text').textContent = data.codeTexts[frame];
        }
        showPictures();
        showTraversals();
        for (const mark of marks) {
          mark.setAttribute('aria-pressed', String(Number(mark.dataset.frame) === frame));
        }
        keep.set('frame', frame === last ? '' : String(frame));
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
        if (frame === last) show(0);
        play.textContent = '❚❚ Pause';
        timer = setInterval(() => frame < last ? show(frame + 1) : stop(), 320);
      });
      addEventListener('beforeprint', stop);
      const kept = keep.get('frame');
      show(kept ? Number(kept) : last);
    })();
    """#
}
