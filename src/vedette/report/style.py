"""How the page looks, in light and dark, wide and narrow."""

STYLE = """
:root { color-scheme: light dark; --paper: #fbfaf8; --ink: #1d2126; --faint: #5d6670; --line: #dcdad5;
  --card: #fff; --critical: #a3123a; --high: #c2410c; --medium: #a16207; --low: #1d6fa5; --bar: #6d5bd0; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171b; --ink: #e6e4df; --faint: #9aa3ad;
  --line: #2f353c; --card: #1b1f24; --critical: #ff6b8b; --high: #ff9256; --medium: #eab94d; --low: #6cb8e8;
  --bar: #a598f5; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.25rem 1rem 3rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .5rem; }
h3 { font-size: 1.1rem; line-height: 1.3; margin: 0 0 .5rem; }
p { margin: .4rem 0; }
code, pre { font: .85rem/1.45 ui-monospace, monospace; }
pre { margin: .2rem 0 .6rem; padding: .4rem .6rem; background: var(--paper); border-radius: .3rem;
  white-space: pre-wrap; }
a { color: inherit; }
svg { display: block; width: 100%; }
.faint, dt, small { color: var(--faint); }
.note { border-left: .25rem solid var(--medium); padding-left: .6rem; }
.critical { color: var(--critical); } .high { color: var(--high); }
.medium { color: var(--medium); } .low { color: var(--low); }
svg .critical { fill: var(--critical); } svg .high { fill: var(--high); }
svg .medium { fill: var(--medium); } svg .low { fill: var(--low); }
svg .share { fill: var(--bar); } svg .ground { fill: var(--line); }
.grade { font-size: .75rem; font-weight: 700; letter-spacing: .06em; text-transform: uppercase; }
article { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; margin: 0 0 1rem;
  padding: .9rem 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .5rem 0; }
dd { margin: 0; }
.shares { display: grid; grid-template-columns: minmax(0, max-content) max-content minmax(4rem, 1fr);
  gap: .1rem .75rem; align-items: center; margin: .6rem 0; }
.time { display: grid; grid-template-columns: minmax(0, 2fr) 3fr; gap: .15rem .75rem; align-items: center;
  font-size: .9rem; }
.time a { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; text-decoration: none; }
.axis { display: flex; justify-content: space-between; }
details { border-top: 1px solid var(--line); margin-top: .6rem; padding-top: .4rem; }
summary { cursor: pointer; }
@media (max-width: 34rem) { .time { grid-template-columns: 1fr; } }
@media print { body { max-width: none; } article { break-inside: avoid; } }
"""
