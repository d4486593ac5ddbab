// Style and script of the dashboard: inside the page, so that it needs nothing else.

enum DashboardAssets {
  /// Both palettes keep a contrast of at least 4.5 to 1 for text (WCAG 2.2, 1.4.3).
  static let style = """
    :root{--bg:#f6f7f9;--card:#fff;--ink:#14181f;--soft:#59626f;--rule:#dfe3e8;--bar:#2f6fde;--good:#0b7a43;--bad:#b3261e;
    --warn:#8a5a00;--s0:#2f6fde;--s1:#b45309;--s2:#0b7a43;--s3:#b3261e;--s4:#7c3aed;--s5:#0e7490}
    @media (prefers-color-scheme:dark){:root{--bg:#0f1216;--card:#171b21;--ink:#e8ebef;--soft:#9aa5b4;--rule:#2a313b;
    --bar:#6ea1ff;--good:#4ccf8a;--bad:#ff8a80;--warn:#f2b84b;--s0:#6ea1ff;--s1:#f2a15a;--s2:#4ccf8a;--s3:#ff8a80;
    --s4:#b79bff;--s5:#4fc3d9}}
    *{box-sizing:border-box}body{margin:0 auto;max-width:1400px;padding:16px;background:var(--bg);color:var(--ink);
    font:14px/1.45 system-ui,sans-serif}h1{font-size:22px;margin:0}h2{font-size:15px;margin:0 0 8px}
    header{display:flex;gap:16px;align-items:baseline;flex-wrap:wrap;margin-bottom:12px}header p{margin:0}
    section,.tiles>div{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:14px;min-width:0}
    main>section,.two{margin-bottom:12px}.two{display:grid;gap:12px;grid-template-columns:repeat(auto-fit,minmax(min(100%,520px),1fr));
    align-items:start}.tiles{display:grid;gap:12px;grid-template-columns:repeat(auto-fit,minmax(160px,1fr));margin-bottom:12px}
    .tiles span,.tiles small,.quiet,caption{color:var(--soft)}.tiles strong{display:block;font-size:24px;font-weight:600;
    font-variant-numeric:tabular-nums}.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;
    font-variant-numeric:tabular-nums}caption{text-align:left;caption-side:bottom;padding-top:6px;font-size:12px}
    th,td{padding:3px 8px;text-align:left;border-bottom:1px solid var(--rule);white-space:nowrap}th{font-weight:600;
    color:var(--soft);font-size:12px}.n{text-align:right}.strike{font-weight:600;background:var(--bg)}.good{color:var(--good)}
    .bad{color:var(--bad)}.warn{color:var(--warn)}.warnings{background:var(--card);border:1px solid var(--warn);
    color:var(--warn);border-radius:8px;padding:10px 10px 10px 28px;margin:0 0 12px}summary{cursor:pointer;padding:4px 0;
    font-weight:600}summary .quiet{font-weight:400}svg{width:100%;height:auto;display:block}svg text{fill:var(--soft);
    font-size:11px}.bar{fill:var(--bar)}.axis,.grid{stroke:var(--rule)}.line{fill:none;stroke-width:2}.s0{stroke:var(--s0)}
    .s1{stroke:var(--s1)}.s2{stroke:var(--s2)}.s3{stroke:var(--s3)}.s4{stroke:var(--s4)}.s5{stroke:var(--s5)}
    a{color:var(--s0)}code{font-size:12px;overflow-wrap:anywhere}footer{color:var(--soft);font-size:12px}
    """

  /// Fetches the page when a block became final, once a second at most, and replaces what changed; what the reader has
  /// opened stays open.
  static let script = """
    const live=document.getElementById('live');let due=false,busy=false;
    async function refresh(){if(busy||!due||document.hidden)return;busy=true;due=false;
    try{const r=await fetch('/',{cache:'no-store'});if(!r.ok)throw 0;
    const text=await r.text(),page=new DOMParser().parseFromString(text.slice(text.indexOf('<body>')),'text/html');
    for(const id of ['warnings','tiles','foot'])swap(document.getElementById(id),page.getElementById(id));
    for(const old of document.querySelectorAll('section'))swap(old,page.getElementById(old.id));
    live.textContent='live'}catch{live.textContent='connection lost'}busy=false}
    function swap(old,fresh){if(!old||!fresh)return;for(const d of fresh.querySelectorAll('details')){
    const was=document.getElementById(d.id);if(was)d.open=was.open}
    if(old.outerHTML!==fresh.outerHTML)old.replaceWith(document.adoptNode(fresh))}
    const events=new EventSource('/v1/stream?topics=blocks');
    events.addEventListener('block',()=>{due=true});
    events.onerror=()=>{live.textContent='connection lost'};setInterval(refresh,1000);
    """
}
