/// The style of all pages.
///
/// The colours of lines are those of Okabe and Ito, which people tell apart whatever colours they
/// see; those of classes follow Tol's scheme `muted`, made darker or lighter where the ground asks
/// for it; those of ordered values are viridis without the end that the ground would swallow.
enum PageStyle {
  static let text = """
    :root{--bg:#fff;--ink:#1b1f24;--soft:#5b6470;--line:#d9dee4;--panel:#f6f8fa;--accent:#0b5cad;
    --s0:#0072b2;--s1:#c24e00;--s2:#007d5a;--s3:#a3458c;--s4:#9a6a00;--s5:#2a93d0;--s6:#5d6670;--s7:#7a2f3b;
    --c0:#332288;--c1:#3f9fd8;--c2:#2f9c8a;--c3:#117733;--c4:#8a8a22;--c5:#c29100;--c6:#cc5a6b;--c7:#882255;
    --c8:#aa4499;--c9:#777d85;
    --q0:#440154;--q1:#482475;--q2:#414487;--q3:#355f8d;--q4:#2a788e;--q5:#21918c;--q6:#22a884;--q7:#44bf70;
    --q8:#7ad151;--q9:#a8c825}
    @media (prefers-color-scheme:dark){:root{--bg:#12161b;--ink:#e8ecf0;--soft:#a0a9b4;--line:#353d47;--panel:#1a2027;
    --accent:#6fb5ff;--s0:#5ab0e8;--s1:#ff8b4a;--s2:#35c79a;--s3:#e08fce;--s4:#f0b63c;--s5:#8fd3ff;--s6:#b0b8c2;
    --s7:#e07f8e;--c0:#8f86f0;--c1:#88ccee;--c2:#44c2ac;--c3:#4fc070;--c4:#b8b84a;--c5:#e6c655;--c6:#f08494;--c7:#d65a96;
    --c8:#d880cc;--c9:#b4bac2;
    --q0:#5a3a8c;--q1:#51569c;--q2:#43709f;--q3:#3a86a0;--q4:#2f9c9d;--q5:#30b18f;--q6:#50c573;--q7:#86d655;--q8:#c0e03c;
    --q9:#fde725}}
    *{box-sizing:border-box}
    html{font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;background:var(--bg);
    color:var(--ink);-webkit-text-size-adjust:100%;scroll-padding-top:5.5rem}
    body{margin:0 auto;max-width:74rem;padding:0 1.25rem 3rem}
    h1{font-size:1.75rem;line-height:1.2;margin:1.6rem 0 .3rem;overflow-wrap:anywhere}
    h2{font-size:1.3rem;margin:2.6rem 0 .4rem;padding-top:.6rem;border-top:1px solid var(--line)}
    h3{font-size:1rem;margin:1.6rem 0 .3rem}
    p{margin:.4rem 0;max-width:46rem}
    p.note,figcaption small,caption{color:var(--soft)}
    a{color:var(--accent)}
    .skip{position:absolute;left:-99rem}.skip:focus{position:static}
    :focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:3px}
    nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;list-style:none;padding:0;margin:.8rem 0 0;font-size:.95rem}
    .lead{color:var(--soft);overflow-wrap:anywhere}
    .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.6rem;margin:1rem 0;padding:0}
    .tiles div{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:.55rem .8rem}
    .tiles dt{font-size:.82rem;color:var(--soft)}
    .tiles dd{margin:0;font-size:1.35rem;font-weight:600;font-variant-numeric:tabular-nums}
    .tiles dd small{display:block;font-size:.78rem;font-weight:400;color:var(--soft)}
    .plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,19.5rem),1fr));gap:.4rem 1.4rem}
    .plots.wide{grid-template-columns:repeat(auto-fit,minmax(min(100%,21rem),1fr))}
    figure{margin:.5rem 0;min-width:0;break-inside:avoid}
    figcaption{font-weight:600;font-size:.95rem;margin-bottom:.2rem}
    figcaption small{display:block;font-weight:400;font-size:.82rem;line-height:1.4}
    svg{display:block;width:100%;height:auto;overflow:visible}
    .plot svg{max-width:34rem}.plots.wide>figure{max-width:34rem}
    .legend{display:flex;flex-wrap:wrap;gap:.1rem 1rem;list-style:none;margin:.2rem 0 0;padding:0;font-size:.82rem;
    color:var(--soft)}
    .legend li{display:flex;align-items:center;gap:.35rem}.legend svg{width:22px;flex:none}
    text{font-size:11px;fill:var(--soft);font-variant-numeric:tabular-nums}
    text.n{fill:var(--ink)}text.t{fill:var(--ink);font-weight:600;paint-order:stroke;stroke:var(--bg);stroke-width:3px}
    text.i{font-size:10px;paint-order:stroke;stroke:var(--bg);stroke-width:3px}
    path.g{stroke:var(--line);stroke-width:1;fill:none}path.a{stroke:var(--soft);stroke-width:1;fill:none}
    path.i{stroke:var(--soft);stroke-width:1;stroke-dasharray:2 4;fill:none}
    path.l{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
    .m{stroke:var(--bg);stroke-width:.6}
    .l.s0{stroke:var(--s0)}.l.s1{stroke:var(--s1)}.l.s2{stroke:var(--s2)}.l.s3{stroke:var(--s3)}
    .l.s4{stroke:var(--s4)}.l.s5{stroke:var(--s5)}.l.s6{stroke:var(--s6)}.l.s7{stroke:var(--s7)}
    .m.s0{fill:var(--s0)}.m.s1{fill:var(--s1)}.m.s2{fill:var(--s2)}.m.s3{fill:var(--s3)}
    .m.s4{fill:var(--s4)}.m.s5{fill:var(--s5)}.m.s6{fill:var(--s6)}.m.s7{fill:var(--s7)}
    .c0{fill:var(--c0)}.c1{fill:var(--c1)}.c2{fill:var(--c2)}.c3{fill:var(--c3)}.c4{fill:var(--c4)}
    .c5{fill:var(--c5)}.c6{fill:var(--c6)}.c7{fill:var(--c7)}.c8{fill:var(--c8)}.c9{fill:var(--c9)}
    .q0{fill:var(--q0)}.q1{fill:var(--q1)}.q2{fill:var(--q2)}.q3{fill:var(--q3)}.q4{fill:var(--q4)}
    .q5{fill:var(--q5)}.q6{fill:var(--q6)}.q7{fill:var(--q7)}.q8{fill:var(--q8)}.q9{fill:var(--q9)}
    .cloud circle{stroke:var(--bg);stroke-width:.0035}
    .cloud .prior{fill:var(--soft);opacity:.28;stroke:none}
    .cloud .ring{fill:none;stroke:var(--soft);stroke-width:1;stroke-dasharray:4 4}
    .cloud path.g{stroke-width:1}
    .cloud .axis{font-size:.056px;fill:var(--soft)}
    .cloud .faint{opacity:.07}
    @media (prefers-reduced-motion:no-preference){.js .frames .cloud circle{transition:cx .22s linear,cy .22s linear}
    .js rect.bar{transition:height .22s linear,y .22s linear}}
    rect.bar{fill:var(--s0);stroke:none}rect.bar.off{fill:var(--bg);stroke:var(--s1);stroke-width:1.2}
    .bars path.h{fill:var(--s0)}.bars path.mark{stroke:var(--s1);stroke-width:1.5;stroke-dasharray:4 3;fill:none}
    .frames{display:grid;grid-template-columns:minmax(0,1.15fr) minmax(0,1fr);gap:.6rem 1.8rem;align-items:start}
    .pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(46%,11rem),1fr));gap:.6rem 1rem}
    .pictures figure{max-width:16rem}
    .compared{max-width:34rem}.compared figcaption{overflow-wrap:anywhere}.compared .cloud{max-width:24rem}
    .compared p{font-size:.85rem}.compared .walk{font-size:.68rem}
    .compared .pictures{grid-template-columns:repeat(3,minmax(0,1fr))}.compared .pictures figcaption{font-weight:400;
    font-size:.75rem}
    .pictures img{width:100%;height:auto;image-rendering:pixelated;border-radius:4px;display:block;background:#808080}
    .scrubber{display:none;position:sticky;top:0;z-index:2;background:var(--bg);border-bottom:1px solid var(--line);
    padding:.55rem 0;margin:.4rem 0 .8rem;gap:.4rem .9rem;align-items:center;flex-wrap:wrap}
    .js .scrubber{display:flex}
    .scrubber input{flex:1 1 12rem;min-width:9rem;accent-color:var(--accent);height:1.6rem}
    .scrubber output{flex:1 1 100%;font-variant-numeric:tabular-nums;font-size:.9rem}
    button,select{font:inherit;font-size:.9rem;color:var(--ink);background:var(--panel);border:1px solid var(--soft);
    border-radius:6px;padding:.3rem .7rem;min-height:2.2rem;max-width:100%}
    button{cursor:pointer}button[aria-pressed=true]{background:var(--ink);color:var(--bg)}
    .controls{display:none;flex-wrap:wrap;gap:.4rem .9rem;font-size:.9rem;margin:.3rem 0}.js .controls{display:flex}
    .controls label{display:flex;gap:.4rem;align-items:center}
    .key{display:flex;flex-wrap:wrap;gap:.3rem;margin:.4rem 0 0}
    .key button,.key span{display:inline-flex;align-items:center;gap:.35rem;padding:.15rem .5rem;min-height:1.8rem;
    font-size:.82rem}
    .key svg{width:11px;height:11px;flex:none}
    .moments+.plots{margin-top:1.4rem}
    .moments{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.2rem,1fr));gap:.5rem;margin-top:.6rem}
    .moments button{padding:.25rem;text-align:left;background:var(--bg);border-color:var(--line)}
    .moments button[aria-pressed=true]{background:var(--panel);color:var(--ink);border-color:var(--accent);
    box-shadow:0 0 0 1px var(--accent)}
    .moments small{display:block;font-size:.78rem;color:var(--soft);padding:.1rem .2rem}
    .moments path{fill:none;stroke-width:.075;stroke-linecap:round}
    .moments .c0{stroke:var(--c0)}.moments .c1{stroke:var(--c1)}.moments .c2{stroke:var(--c2)}.moments .c3{stroke:var(--c3)}.moments .c4{stroke:var(--c4)}.moments .c5{stroke:var(--c5)}.moments .c6{stroke:var(--c6)}.moments .c7{stroke:var(--c7)}.moments .c8{stroke:var(--c8)}.moments .c9{stroke:var(--c9)}
    .moments .q0{stroke:var(--q0)}.moments .q1{stroke:var(--q1)}.moments .q2{stroke:var(--q2)}.moments .q3{stroke:var(--q3)}.moments .q4{stroke:var(--q4)}.moments .q5{stroke:var(--q5)}.moments .q6{stroke:var(--q6)}.moments .q7{stroke:var(--q7)}.moments .q8{stroke:var(--q8)}.moments .q9{stroke:var(--q9)}.moments .s0{stroke:var(--s0)}
    .walk{display:grid;grid-template-columns:auto minmax(0,1fr);gap:.15rem .5rem;max-width:34rem;font-size:.78rem;
    color:var(--soft);line-height:1.2}
    .walk .corner{text-align:right}.walk .heads{display:grid;grid-auto-flow:column;grid-auto-columns:1fr;text-align:center}
    .walk ul{list-style:none;margin:0;padding:0;display:grid;grid-auto-rows:minmax(0,1fr);text-align:right}
    .walk li{display:flex;flex-direction:column;justify-content:center;min-height:0}
    .walk img{width:100%;height:auto;image-rendering:pixelated;border-radius:4px;display:block;background:#808080}
    .mark svg{width:22px;height:10px;display:inline-block;flex:none;margin-right:.4rem;vertical-align:0}
    .js .printed{display:none}
    .table{overflow-x:auto;margin:.5rem 0;max-width:100%}
    .table.tall{max-height:26rem;overflow-y:auto}
    table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums}
    caption{text-align:left;font-size:.85rem;padding:.2rem 0}
    th,td{padding:.25rem .8rem .25rem 0;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
    th:first-child,td:first-child{text-align:left}th{font-weight:600}
    thead th{white-space:normal;vertical-align:bottom}tbody th{white-space:normal;overflow-wrap:anywhere;min-width:8rem}
    table.facts th{vertical-align:top}table.facts td{text-align:left;white-space:normal;overflow-wrap:anywhere}
    td.differs{font-weight:700}
    details{margin:.8rem 0}summary{cursor:pointer;font-weight:600}
    pre,code{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
    pre{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:.7rem .9rem;white-space:pre-wrap;
    overflow-wrap:anywhere;margin:.5rem 0}
    .missing{background:var(--panel);border-left:4px solid var(--s4);padding:.5rem .9rem;border-radius:0 6px 6px 0}
    .live{background:var(--panel);border-left:4px solid var(--s2);padding:.4rem .9rem;display:none}.js .live{display:block}
    footer{margin-top:3rem;padding-top:.8rem;border-top:1px solid var(--line);color:var(--soft);font-size:.85rem}
    .js .without-script{display:none}
    @media (max-width:46rem){.frames{grid-template-columns:minmax(0,1fr)}body{padding:0 .9rem 2rem}h1{font-size:1.4rem}
    .moments{grid-template-columns:repeat(3,minmax(0,1fr))}}
    @media print{:root{--bg:#fff;--ink:#000;--soft:#444;--line:#bbb;--panel:#fff}html{font-size:12px}body{max-width:none}
    .scrubber,.controls,nav,.skip,.live{display:none!important}a{color:inherit}.key button{border:0}
    .table,.table.tall{max-height:none;overflow:visible}table{font-size:.8rem}th,td{white-space:normal;padding-right:.5rem}
    tr{break-inside:avoid}
    h2,h3,h2+p:not(.missing),h3+p:not(.missing),caption,figcaption{break-after:avoid}.moments,.moments button,.tiles,.pictures,.walk{break-inside:avoid}
    .js .printed,.printed{display:block;font-weight:600}.without-script{display:none}th,td{overflow-wrap:anywhere}
    tbody th{min-width:0}details::details-content{content-visibility:visible;display:block;block-size:auto}
    summary{list-style:none}
    .plots{grid-template-columns:repeat(3,minmax(0,1fr))}.plots.wide{grid-template-columns:repeat(2,minmax(0,1fr))}
    .moments{grid-template-columns:repeat(7,minmax(0,1fr))}.frames{grid-template-columns:minmax(0,1.15fr) minmax(0,1fr)}}
    """
}
