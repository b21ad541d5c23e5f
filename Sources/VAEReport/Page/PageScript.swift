import VAEFiles

/// The script of all pages: moves what the page already shows of the last record to other records.
enum PageScript {
  /// The whole of it.
  static let text = "(() => {\n\(start)\n\(clouds)\n\(panels)\n\(slider)\n})();"

  /// What does without records, and what the rest begins with: the data, and where they stand.
  private static let start = #"""
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
    // A page is about one run, or about several, whose elements have names that begin with a prefix.
    const runs = data.runs || [data];
    const moments = data.moments || data.frames.map((frame, place) => ({ text: frame.text, at: [place] }));
    const last = moments.length - 1;
    """#
}
