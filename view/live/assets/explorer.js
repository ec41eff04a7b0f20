// One window: drag, keys or figures choose a stretch; the server reads it anew and says its energy.
import { axes, chart, colour, figure, legend, series } from "./colours.js";

const WAIT_MS = 120;

export const explore = (page) => {
  const place = document.getElementById("chart");
  const part = document.getElementById("selection-part");
  const selection = document.getElementById("selection");
  const form = document.getElementById("stretch");
  const whole_s = Number(BigInt(page.end) - BigInt(page.begin)) / 1e9;
  const margin_s = 0.02 * whole_s;
  const given = new URLSearchParams(location.search);
  let [from, to] = [Number(given.get("from") ?? 0), Number(given.get("to") ?? whole_s)];
  if (!(to > from)) [from, to] = [0, whole_s];
  let told = { lines: [] };
  let asked = 0;
  let waiting = null;

  const digits = () => Math.max(0, Math.min(6, 3 - Math.floor(Math.log10(Math.max(to - from, 1e-6)))));
  const drawn = chart(place, (it) => { it.setOption(axes()); paint(); });

  const band = (stretches, name) => stretches.slice(0, 200).map(([begin, end]) => [{ xAxis: begin, itemStyle: { color: colour(name) } }, { xAxis: end }]);

  function paint() {
    if (!drawn) return;
    const is_whole = from <= 0 && to >= whole_s;
    const room = is_whole ? margin_s : 0;
    const edge = { color: colour("ink"), type: "dashed", width: 1.5 };
    const lines = told.lines.map((line, n) => ({
      id: line.name, type: "line", data: line.t.map((t, at) => [t, line.w[at]]), showSymbol: false, connectNulls: false,
      silent: true, z: 10 - n, lineStyle: { width: n ? 1 : 1.6, color: series(n) }, itemStyle: { color: series(n) },
      ...(n ? {} : {
        markLine: { silent: true, symbol: "none", animation: false, lineStyle: edge, label: { color: colour("muted"), formatter: (each) => each.name },
          data: [{ xAxis: 0, name: "begin" }, { xAxis: whole_s, name: "end" }] },
        markArea: { silent: true, data: [...band(told.gaps ?? [], "gap"), ...band(told.long ?? [], "gap-long")] },
      }),
    }));
    const strip = { id: "batches", type: "line", silent: true, showSymbol: false, connectNulls: false, yAxisIndex: 1,
      data: (told.batches ?? []).flatMap(([begin, end]) => [[begin, 0.5], [end, 0.5], [end, null]]), lineStyle: { width: 6, color: colour("batch"), cap: "butt" } };
    const base = axes();
    drawn.setOption({
      xAxis: { ...base.xAxis, min: from - room, max: to + room, axisLabel: { ...base.xAxis.axisLabel, formatter: (v) => `${Number(v.toFixed(digits()))} s` } },
      yAxis: [{ ...base.yAxis, min: (range) => Math.min(0, range.min) }, { min: 0, max: 10, show: false }],
      tooltip: { trigger: "axis", transitionDuration: 0, backgroundColor: colour("card"), borderColor: colour("line"), textStyle: { color: colour("ink") },
        valueFormatter: (value) => `${figure(value)} W`, axisPointer: { lineStyle: { color: colour("muted") } } },
      series: [...lines.map((line) => ({ ...line, silent: false })), strip],
    }, { replaceMerge: ["series"] });
  }

  const ask = async () => {
    const number = ++asked;
    part.setAttribute("aria-busy", "true");
    const at = (seconds) => (BigInt(page.begin) + BigInt(Math.round(seconds * 1e9))).toString();
    const query = new URLSearchParams({ node: page.node, stream: page.stream, begin: at(from), end: at(to) });
    let answer;
    try {
      answer = await (await fetch(`/api/window?${query}`)).json();
    } catch {
      answer = { error: "the server does not answer" };
    }
    if (number !== asked) return; // a later one is on its way
    part.setAttribute("aria-busy", "false");
    if (answer.error) {
      const words = document.createElement("p");
      words.className = "empty";
      words.textContent = answer.error;
      selection.replaceChildren(words);
      return;
    }
    const shift = (pairs) => (pairs ?? []).map(([begin, end]) => [begin + from, end + from]);
    told = { lines: answer.lines.map((line) => ({ ...line, t: line.t.map((t) => (t === null ? null : t + from)) })),
      batches: shift(answer.batches), gaps: shift(answer.gaps), long: shift(answer.long) };
    selection.innerHTML = answer.html;
    legend(document.getElementById("legend"), told.lines.map((line) => line.name));
    place.setAttribute("aria-label", `Power from ${from.toFixed(digits())} s to ${to.toFixed(digits())} s of the window, ${answer.samples ?? 0} readings; the figures are below`);
    paint();
    document.body.dataset.shown = number;
  };

  const go = (first, last) => {
    const least_s = 1e-3;
    [from, to] = [Math.min(first, last), Math.max(first, last)];
    if (to - from < least_s) to = from + least_s;
    const address = new URL(location);
    const is_whole = from === 0 && to === whole_s;
    for (const [name, value] of [["from", from], ["to", to]]) is_whole ? address.searchParams.delete(name) : address.searchParams.set(name, value.toFixed(6));
    history.replaceState(null, "", address);
    form.elements.from.value = from.toFixed(digits());
    form.elements.to.value = to.toFixed(digits());
    paint();
    clearTimeout(waiting);
    waiting = setTimeout(ask, WAIT_MS);
  };

  const length = () => to - from;
  const zoom = {
    in: () => go(from + length() / 4, to - length() / 4),
    out: () => (length() >= whole_s ? go(0, whole_s) : go(Math.max(0, from - length() / 2), Math.min(whole_s, to + length() / 2))),
    left: () => { const by = Math.min(length() / 2, Math.max(0, from)); go(from - by, to - by); },
    right: () => { const by = Math.min(length() / 2, Math.max(0, whole_s - to)); go(from + by, to + by); },
    whole: () => go(0, whole_s),
  };
  const keys = { "+": "in", "=": "in", "-": "out", ArrowLeft: "left", ArrowRight: "right", 0: "whole" };
  document.querySelector(".tools").addEventListener("click", (event) => zoom[event.target.dataset.zoom]?.());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, .scroll")) return;
    if (!(event.key in keys)) return;
    event.preventDefault();
    zoom[keys[event.key]]();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const [first, last] = ["from", "to"].map((name) => Number(form.elements[name].value.replace(",", ".")));
    if (Number.isFinite(first) && Number.isFinite(last) && last > first) go(first, last);
    else selection.innerHTML = '<p class="empty">Two figures are expected, the second above the first: seconds after the begin.</p>';
  });

  // Dragging across the picture.
  let start = null;
  const seconds = (event) => drawn.convertFromPixel({ xAxisIndex: 0 }, event.offsetX);
  const mark = (first, last) => drawn.setOption({ graphic: first === null ? { id: "drag", $action: "remove" } : {
    id: "drag", type: "rect", z: 100, silent: true, style: { fill: colour("accent"), opacity: 0.18 },
    shape: { x: Math.min(first, last), y: 26, width: Math.abs(last - first), height: place.clientHeight - 56 } } });
  const brush = drawn.getZr();
  brush.on("mousedown", (event) => { start = event.offsetX; });
  brush.on("mousemove", (event) => { if (start !== null && Math.abs(event.offsetX - start) > 4) mark(start, event.offsetX); });
  const drop = (event) => {
    if (start !== null && Math.abs(event.offsetX - start) > 4) {
      const [first, last] = [start, event.offsetX].map((x) => seconds({ offsetX: x }));
      mark(null);
      go(first, last);
    }
    start = null;
  };
  brush.on("mouseup", drop);
  brush.on("globalout", drop);

  go(from, to);
};
